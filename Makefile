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
lint: ## gofmt, go vet, staticcheck
	@test -z "$$(gofmt -l .)" || { gofmt -l .; echo 'gofmt: the files above'; exit 1; }
	$(GO) vet ./...
	$(TOOL) staticcheck ./...

# What needs real machines or root: skipped by `unit`, run by `lab-test`.
ON_REAL = TestRealEngine.*|TestTheSuiteForRealEngines.*|TestCloudInitSchema|TestTheDeviationsAreARealEngines|TestScenarios|TestSystemd|TestAdapterOnRealEngines|TestBootstrapTime|TestChaos
ON_LAB = TestRemoveTreeMounted|TestSwarm|TestUserData|TestMachine|TestCrash|TestDownFromOutside

# With real machines e2e runs as a whole later; without them its part that needs none runs here. Of the explorer only what it found before is played
# with the race detector, the rest has a target of its own.
UNIT = $(shell $(GO) list ./... | grep -v -e /pkg/explore$$ $(if $(filter 1,$(SWARMD_LAB)),-e /e2e$$))

.PHONY: test
test: lint unit oracle demo-once explore ## everything that this machine can run; with SWARMD_LAB=1 (root, Debian) the real machines too
ifeq ($(SWARMD_LAB),1)
	$(MAKE) lab-test
endif

.PHONY: unit
unit: ## all tests that need no root, with the race detector
	env -u SWARMD_LAB CGO_ENABLED=1 .ci/gotest unit '$(if $(CI),$(ON_REAL)|$(ON_LAB),.*)' -race -count=1 -timeout 15m $(UNIT)
	CGO_ENABLED=1 .ci/gotest explorer '' -race -count=1 -timeout 15m -run '^TestFoundBefore$$' ./pkg/explore

.PHONY: oracle
oracle: ## the conversion of Compose files against docker/cli's own; the real engines' suites on the simulated ones
	cd pkg/swarm/docker/oracle && $(GO) test ./...
	SWARMD_CONFORMANCE=1 .ci/gotest conformance '' -count=1 -run 'TestTheSuiteForRealEngines' ./pkg/sim/dockerd

.PHONY: demo-once
demo-once: ## play the demo's tour to its end
	$(GO) run ./cmd/swarmd demo --once

.PHONY: lab-test
lab-test: ## the lab and the scenarios on real machines; needs root and the Debian packages that .ci/run installs
	SWARMD_LAB=1 .ci/gotest lab '' -count=1 -p 1 -timeout 50m ./pkg/lab ./e2e

CHAOS_MINUTES ?= 30

EXPLORE = GOEXPERIMENT=jsonv2 GOGC=600 GOMEMLIMIT=3GiB GODEBUG=adaptivestackstart=1 SWARMD_EXPLORE=1 SWARMD_EXPLORE_REPORT=$(CURDIR)/bin/explore

.PHONY: explore
explore: ## every fault at every call of every workflow, in the simulated world; the report is in bin/explore.txt and .json
	@mkdir -p bin
	$(EXPLORE) .ci/gotest explore TestReplay -count=1 -timeout 30m ./pkg/explore; s=$$?; cat bin/explore.txt; exit $$s

.PHONY: explore-long
explore-long: ## the same with a million plans and quiet weeks; hours
	@mkdir -p bin
	$(EXPLORE) SWARMD_EXPLORE_PLANS=1000000 SWARMD_EXPLORE_WEEKS=4 $(GO) test -count=1 -timeout 48h -run '^TestExplore$$' ./pkg/explore; s=$$?; cat bin/explore.txt; exit $$s

.PHONY: explore-replay
explore-replay: ## one plan with its trace: make explore-replay PLAN='add-worker/1/crash-after@17'
	@GOEXPERIMENT=jsonv2 SWARMD_REPLAY='$(PLAN)' $(GO) test -count=1 -v -run '^TestReplay$$' ./pkg/explore

.PHONY: chaos
chaos: ## real machines disturbed at random for CHAOS_MINUTES (30), SWARMD_CHAOS_SEED replays a schedule; needs root, as lab-test
	SWARMD_LAB=1 SWARMD_CHAOS_MINUTES=$(CHAOS_MINUTES) $(GO) test -count=1 -v -timeout $$(($(CHAOS_MINUTES) + 20))m -run '^TestChaos$$' ./e2e

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
	.ci/vuln $(VULNDB)
