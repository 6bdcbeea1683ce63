# Kanrin. `make` alone prints the targets.
SHELL := /bin/bash
# One set of flags for building, testing and checking: everything is compiled once.
export CGO_ENABLED := 0
export GOFLAGS := -trimpath -buildvcs=false
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LISTEN ?= 127.0.0.1:8443
DATA_DIR ?=
# How many packages are compiled and tested at the same time.
JOBS ?= 2

GO_LDFLAGS := -s -w -X kanrin.dev/kanrin/internal/buildinfo.version=$(VERSION)
TOOL := go tool -modfile=tools/go.mod
WEB_SOURCES := $(shell find web/src web/public web/build internal/lang/catalog -type f 2>/dev/null) web/index.html web/package-lock.json web/vite.config.ts web/tsconfig.json

##@ Use
.PHONY: run
run: build ## build and start Kanrin with a demo cluster (LISTEN, DATA_DIR)
	@exec bin/kanrin up --demo --listen $(LISTEN) $(if $(DATA_DIR),--data-dir $(DATA_DIR))

.PHONY: build
build: bin/kanrin-kube bin/kanrin ## build both programs into bin/

.PHONY: build-lab
build-lab: bin/kanrin-kube bin/kanrin ## build also what the hosts of kanrin lab run, into bin/lab
	@hack/prepare.sh lab
	@hack/build-lab.sh bin/lab

##@ Prove
.PHONY: test
test: prepare-test build test-web test-kube test-go test-lab test-browser ## all tests that fit: unit, component, browser, end-to-end

.PHONY: test-go
test-go: bin/kanrin-kube bin/kanrin ## Go tests: pure ones, and those with a real etcd, API server and scheduler
	KANRIN_KUBE=$(CURDIR)/bin/kanrin-kube KANRIN=$(CURDIR)/bin/kanrin go test -p $(JOBS) -timeout 25m ./...

.PHONY: test-lab
test-lab: ## a real cluster of real hosts on this machine: stopped, started, its power cut (as root on Linux; LAB_TESTS=TestLab for all)
	@if [ "$$(id -u)" != 0 ] || [ "$$(uname)" != Linux ]; then echo 'test-lab: left out, it needs root on Linux' >&2; exit 0; fi; \
	$(MAKE) --no-print-directory build-lab && \
	KANRIN_LAB=1 KANRIN_KUBE=$(CURDIR)/bin/kanrin-kube KANRIN=$(CURDIR)/bin/kanrin KANRIN_LAB_PROGRAMS=$(CURDIR)/bin/lab \
	  go test -count=1 -timeout 40m -run '$(or $(LAB_TESTS),TestLabPower)' ./test/e2e

.PHONY: test-kube
test-kube: bin/kanrin-kube ## tests of the rehearsal in kanrin-kube
	hack/build-kube.sh --test

.PHONY: test-web
test-web: web/node_modules/.package-lock.json ## type check and unit tests of the console
	cd web && npm run --silent check && npm test --silent

.PHONY: test-browser
test-browser: prepare-test build ## the console in a real browser against a real demo
	hack/with-demo.sh $(CURDIR)/bin npm --prefix web run --silent test:browser

.PHONY: e2e
e2e: build ## the long end-to-end tests: kills, cuts, full disks, two servers
	KANRIN_KUBE=$(CURDIR)/bin/kanrin-kube KANRIN=$(CURDIR)/bin/kanrin KANRIN_E2E=full go test -count=1 -timeout 60m -v ./test/e2e/... ./internal/ops/nodes/killtest ./internal/ops/backup ./internal/backup/repository
	KANRIN_E2E=full $(MAKE) test-lab LAB_TESTS=TestLab

.PHONY: bench
bench: build ## measurements against kubectl, etcdctl, auger and kopia in the same run, see docs/bench.md (RUNS=5)
	KANRIN_KUBE=$(CURDIR)/bin/kanrin-kube KANRIN=$(CURDIR)/bin/kanrin KANRIN_BENCH=1 KANRIN_BENCH_RUNS=$(or $(RUNS),5) go test -count=1 -timeout 90m -run TestBench ./test/e2e -v
	KANRIN_KUBE=$(CURDIR)/bin/kanrin-kube KANRIN=$(CURDIR)/bin/kanrin KANRIN_BENCH=1 KANRIN_BENCH_RUNS=$(or $(RUNS),5) go test -count=1 -p 1 -timeout 90m -run 'TestBench|AgainstKopia' ./internal/backup/... -v

.PHONY: fuzz
fuzz: ## every fuzz target for FUZZTIME (10 s)
	hack/fuzz.sh $(or $(FUZZTIME),10s)

##@ Keep in order
.PHONY: check
check: web/node_modules/.package-lock.json ## format, vet, lint, layers, licences, generated files clean
	@test -z "$$($(TOOL) gofumpt -l api cmd hack internal test kube web 2>/dev/null | grep -v node_modules | tee /dev/stderr)" || { echo 'not formatted as gofumpt would: make fmt' >&2; exit 1; }
	go vet ./...
	$(TOOL) staticcheck ./...
	go test ./internal/layers
	go run ./hack/licences
	hack/generated-clean.sh

.PHONY: fmt
fmt: ## format the Go code
	$(TOOL) gofumpt -w api cmd hack internal test kube

.PHONY: generate
generate: ## deep copies and CRDs
	$(TOOL) controller-gen object crd:crdVersions=v1,maxDescLen=400 paths=./api/... output:crd:dir=api/crds

.PHONY: vulncheck
vulncheck: ## known vulnerabilities in what Kanrin is built from (needs the vulnerability database)
	GOFLAGS=-mod=mod go run golang.org/x/vuln/cmd/govulncheck@v1.9.0 ./...

.PHONY: screenshots
screenshots: prepare-test build ## each page of the console in both languages, wide and narrow, into screenshots/
	hack/with-demo.sh $(CURDIR)/bin npm --prefix web run --silent screenshots

.PHONY: clean
clean: ## remove what was built here (the cache of kanrin-kube stays)
	rm -rf bin screenshots web/node_modules
	find web/dist -mindepth 1 ! -name .gitkeep -delete

.PHONY: help
help:
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z0-9-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# What the targets are made of.

.PHONY: prepare
prepare:
	@hack/prepare.sh

.PHONY: prepare-test
prepare-test:
	@hack/prepare.sh test

.PHONY: FORCE
FORCE:

bin/kanrin-kube: FORCE | prepare
	@hack/build-kube.sh $@

# The Go tool knows best whether anything has changed.
bin/kanrin: FORCE web/dist/index.html | prepare
	@echo 'kanrin: compiling' >&2
	@go build -ldflags '$(GO_LDFLAGS)' -o $@ ./cmd/kanrin

web/node_modules/.package-lock.json: web/package.json web/package-lock.json | prepare
	@echo 'console: installing what it is built with' >&2
	@cd web && npm ci --no-audit --no-fund --silent
	@touch $@

web/dist/index.html: web/node_modules/.package-lock.json $(WEB_SOURCES)
	@echo 'console: building' >&2
	@cd web && npm run --silent build
	@touch $@
