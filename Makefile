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

.PHONY: test
test: lint ## everything that this machine can run; with SWARMD_LAB=1 (root, Debian) the real machines too
	CGO_ENABLED=1 $(GO) test -race -timeout 15m ./...
	cd pkg/swarm/docker/oracle && $(GO) test ./...
	$(GO) run ./cmd/swarmd demo --once
ifeq ($(SWARMD_LAB),1)
	$(MAKE) lab-test
endif

.PHONY: lab-test
lab-test: build ## the scenarios on real machines; needs root and the Debian packages that .ci/run installs
	SWARMD_LAB=1 $(GO) test -count=1 -timeout 25m -v ./e2e/...

.PHONY: fuzz
fuzz: ## each fuzz test for a short while (FUZZTIME=10s)
	./deploy/fuzz.sh $(or $(FUZZTIME),10s)

.PHONY: bench
bench: ## the figures of the README
	$(GO) test -run '^$$' -bench . -benchtime 1x ./...

.PHONY: vuln
vuln: ## govulncheck; VULNDB=file://DIR for a machine that cannot reach the live database
	$(TOOL) govulncheck $(if $(VULNDB),-db $(VULNDB)) ./...
