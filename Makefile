# The commands of this project. `make help` lists them.

GO ?= go
export CGO_ENABLED ?= 0
TOOL = $(GO) tool -modfile=tools/go.mod
VERSION ?= dev
LDFLAGS = -s -w -X main.version=$(VERSION)

.PHONY: help
help: ## list the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

.PHONY: build
build: ## bin/swarmd, a static binary
	$(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/swarmd ./cmd/swarmd

.PHONY: demo
demo: ## the simulated world, the daemon and its page; no account, no root
	$(GO) run ./cmd/swarmd demo

.PHONY: lint
lint: gofmt vet staticcheck ## gofmt, go vet, staticcheck

.PHONY: gofmt vet staticcheck
gofmt:
	@test -z "$$(gofmt -l .)" || { gofmt -l .; echo 'gofmt: the files above'; exit 1; }
vet:
	$(GO) vet ./...
staticcheck:
	$(TOOL) staticcheck ./...

# One build configuration serves all of these, so everything is compiled once.
.PHONY: test
test: ## all that a machine without root can tell within six minutes; all but the first lines is progress
	@$(GO) build ./... && .ci/lanes 'gofmt vet unit conformance' 'demo-once staticcheck explore-sample'

.PHONY: check-fast
check-fast: ## within a minute: build, vet, and of what differs from BASE (HEAD) format, lint and tests
	@.ci/fast $(BASE)

# With SWARMD_LAB=1 (root, Debian) real machines too. What waits for machines goes beside what computes, which gives way to it.
.PHONY: long
long: ## what takes longer than `test`: the race detector, the explorer, the conversion's oracle; with SWARMD_LAB=1 real machines
	@.ci/lanes $(if $(filter 1,$(SWARMD_LAB)),$(LAB_LANES)) 'race explore-check oracle$(if $(VULNDB), vuln)'

# What needs real machines or root: skipped by `unit`, run by the targets that begin with lab.
ON_REAL = TestRealEngine.*|TestTheSuiteForRealEngines.*|TestCloudInitSchema|TestTheDeviationsAreARealEngines|TestScenarios|TestWorlds|TestSystemd|TestAdapterOnRealEngines|TestBootstrapTime|TestChaos|TestHung|TestRepairs|TestDrills|TestStacks|TestJobs
ON_LAB = TestRemoveTreeMounted|TestSwarm|TestUserData|TestMachine|TestCrash|TestDownFromOutside
ON_CALL = TestExplore|TestReplay
# In CI only these may be skipped; elsewhere a machine may lack more.
SKIPS = $(if $(CI),$(ON_REAL)|$(ON_LAB)|$(ON_CALL),.*)

.PHONY: unit
unit: ## all tests that need neither root nor minutes
	@env -u SWARMD_LAB .ci/gotest unit '$(SKIPS)' -count=1 -timeout 15m ./...

# Of the explorer only what it found before is played here. The figures of bench are of no use with the race detector, e2e has the real binary.
.PHONY: race
race: ## the unit tests with the race detector
	@command -v $${CC:-cc} >/dev/null || { echo 'make race: the race detector needs a C compiler: install gcc, or name yours in CC'; exit 1; }
	@env -u SWARMD_LAB CGO_ENABLED=1 $(LOW) .ci/gotest race '$(SKIPS)' -race -count=1 -timeout 25m $$($(GO) list ./... | grep -v -e /test/explore$$ -e /test/bench$$ -e /test/e2e)
	@CGO_ENABLED=1 $(LOW) .ci/gotest race-explorer '' -race -count=1 -timeout 25m -run '^TestFoundBefore$$' ./test/explore

# What computes gives way to what waits for real machines and has deadlines.
LOW = nice -n 15

.PHONY: oracle
oracle: ## the conversion of Compose files against docker/cli's own, and what reads SOPS files against sops
	@cd pkg/swarm/docker/oracle && $(LOW) $(GO) test ./...
	@cd pkg/sealed/oracle && $(LOW) $(GO) test -vet=off ./... # vet would read every key service's client

.PHONY: conformance
conformance: ## the suites for real engines on the simulated ones
	@SWARMD_CONFORMANCE=1 .ci/gotest conformance '' -count=1 -run 'TestTheSuiteForRealEngines' ./pkg/sim/dockerd

.PHONY: demo-once
demo-once: ## play the demo's tour to its end
	@$(GO) run ./cmd/swarmd demo --once

# The tests on real machines, in two lanes of about the same length.
LAB_LANES = 'lab-small lab-adapter lab-chaos lab-jobs' 'lab-scenarios lab-worlds lab-systemd lab-stacks-short'
LAB = SWARMD_LAB=1 .ci/gotest
.PHONY: lab-test lab-small lab-scenarios lab-worlds lab-systemd lab-adapter lab-jobs lab-stacks-short lab-chaos
lab-test: ## the lab and the scenarios on real machines; needs root and the Debian packages that .ci/run installs
	@SWARMD_LAB=1 .ci/lanes $(LAB_LANES)
lab-small:
	@$(LAB) lab '' -count=1 -timeout 30m ./pkg/lab
	@$(LAB) lab-bootstrap '' -count=1 -timeout 30m -run '^TestBootstrapTime$$' ./test/e2e
lab-scenarios:
	@$(LAB) lab-scenarios '' -count=1 -timeout 30m -run '^TestScenarios$$' ./test/e2e
lab-worlds:
	@$(LAB) lab-worlds '' -count=1 -timeout 30m -run '^TestWorlds$$' ./test/e2e
lab-systemd:
	@$(LAB) lab-systemd '' -count=1 -timeout 30m -run '^TestSystemd$$' ./test/e2e
lab-adapter:
	@$(LAB) lab-adapter '' -count=1 -timeout 30m -run '^TestAdapterOnRealEngines$$' ./test/e2e
lab-jobs:
	@$(LAB) lab-jobs '' -count=1 -timeout 30m -run '^TestJobs$$' ./test/e2e
lab-stacks-short:
	@$(LAB) lab-stacks-short '' -count=1 -timeout 30m -run '^TestStacks$$/^(a_stack_is_taken_over|secrets_rotate)$$' ./test/e2e
lab-chaos:
	@$(LAB) lab-chaos '' -count=1 -timeout 30m -run '^TestChaos$$' ./test/e2e

.PHONY: lab-hung
lab-hung: ## engines that hang, on real machines: a power cycle heals one, another one's machine is replaced; needs root, as lab-test
	@$(LAB) lab-hung '' -count=1 -timeout 30m -run '^TestHung$$' ./test/e2e

.PHONY: lab-repairs
lab-repairs: ## real machines cut off, replaced and resized, with swarmd killed in each phase; half an hour; needs root, as lab-test
	@$(LAB) lab-repairs '' -count=1 -timeout 60m -run '^TestRepairs$$' ./test/e2e

.PHONY: lab-drills
lab-drills: ## swarmd drill and swarmd recover on real machines, as docs/recovery.md says; a quarter of an hour; needs root, as lab-test
	@$(LAB) lab-drills '' -count=1 -timeout 60m -run '^TestDrills$$' ./test/e2e

.PHONY: lab-stacks
lab-stacks: ## bad images under a stream of requests, a stack of docker's own taken over, 200 services at rest, secrets and variables that rotate; 20 minutes; needs root, as lab-test
	@$(LAB) lab-stacks '' -count=1 -timeout 60m -run '^TestStacks$$' ./test/e2e

ENGINES ?= 20.10 26.1 28.5

.PHONY: engines
engines: ## the adapter's suite and the scenarios on each of the lab's engines; needs root, as lab-test
	@failed=; for e in $(ENGINES); do \
		SWARMD_LAB=1 SWARMD_LAB_ENGINE=$$e .ci/gotest engine-$$e '' -count=1 -timeout 50m \
			-run '^(TestAdapterOnRealEngines|TestScenarios)$$' ./test/e2e || failed="$$failed $$e"; \
	done; test -z "$$failed" || { echo "failed with engine$$failed"; exit 1; }

CHAOS_MINUTES ?= 30

# Few garbage collections, and goroutines that begin with the stack that they need. SWARMD_EXPLORE says how much is played, see TestExplore.
EXPLORE = GOGC=600 GOMEMLIMIT=3GiB GODEBUG=adaptivestackstart=1 SWARMD_EXPLORE_REPORT=$(CURDIR)/bin/explore
PLAYED = -count=1 -timeout 48h -run '^TestExplore$$' ./test/explore; s=$$?; cat bin/explore.txt; exit $$s

.PHONY: explore
explore: ## every fault at every call of every workflow, in the simulated world; it is recorded in test/explore/testdata/record.txt
	@mkdir -p bin
	@$(EXPLORE) SWARMD_EXPLORE=all .ci/gotest explore '' $(PLAYED)

.PHONY: explore-check
explore-check: ## a tenth of what was recorded, compared with the record; everything, if the record is of other sources
	@mkdir -p bin
	@$(EXPLORE) SWARMD_EXPLORE=check $(LOW) .ci/gotest explore-check '' $(PLAYED)

.PHONY: explore-same
explore-same: ## after a change that is to leave behaviour as it is: one in PART (20) of the recorded plans, compared, whatever the sources
	@mkdir -p bin
	@$(EXPLORE) SWARMD_EXPLORE=same SWARMD_EXPLORE_PART=$(PART) $(LOW) .ci/gotest explore-same '' $(PLAYED)

.PHONY: explore-sample
explore-sample: ## what is drawn by chance, for SECONDS (45)
	@mkdir -p bin
	@$(EXPLORE) SWARMD_EXPLORE=sample SWARMD_EXPLORE_SECONDS=$(SECONDS) .ci/gotest explore-sample '' $(PLAYED)

.PHONY: explore-long
explore-long: ## the same as explore with a million plans and quiet weeks; hours
	@mkdir -p bin
	@$(EXPLORE) SWARMD_EXPLORE=all SWARMD_EXPLORE_PLANS=1000000 SWARMD_EXPLORE_WEEKS=4 .ci/gotest explore-long '' $(PLAYED)

.PHONY: explore-replay
explore-replay: ## one plan with its trace: make explore-replay PLAN='add-worker/1/crash-after@17'
	@SWARMD_REPLAY='$(PLAN)' $(GO) test -count=1 -v -run '^TestReplay$$' ./test/explore

.PHONY: chaos
chaos: ## real machines disturbed at random for CHAOS_MINUTES (30), SWARMD_CHAOS_SEED replays a schedule; needs root, as lab-test
	SWARMD_LAB=1 SWARMD_CHAOS_MINUTES=$(CHAOS_MINUTES) $(GO) test -count=1 -v -timeout $$(($(CHAOS_MINUTES) + 20))m -run '^TestChaos$$' ./test/e2e

.PHONY: fuzz
fuzz: ## each fuzz test for a short while (FUZZTIME=10s)
	@for pkg in $$(git grep -l '^func Fuzz' -- '*_test.go' | xargs -n1 dirname | sort -u); do \
		for f in $$($(GO) test -list '^Fuzz' ./$$pkg | grep '^Fuzz'); do \
			echo "$$pkg $$f"; $(GO) test -run '^$$' -fuzz "^$$f\$$" -fuzztime $(or $(FUZZTIME),10s) ./$$pkg || exit 1; \
		done; \
	done

.PHONY: bench
bench: ## the figures of the README
	$(GO) test -run '^$$' -bench . -benchtime 1x ./...

.PHONY: vuln
vuln: ## govulncheck; VULNDB=file://DIR for a machine that cannot reach the live database
	@$(LOW) .ci/vuln $(VULNDB)
