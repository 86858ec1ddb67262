# Every target that people use is listed by `make help`.

GO          ?= go
FUZZTIME    ?= 20000x
STATICCHECK ?= v0.8.2
BIN         := bin/portworker
TOOLS       := $(CURDIR)/bin/tools

# File names are UTF-8 whatever the locale says.
export ELIXIR_ERL_OPTIONS := +fnu
export GOFLAGS := $(filter-out -buildvcs=%,$(GOFLAGS)) -buildvcs=false

.DEFAULT_GOAL := help
.PHONY: help build demo examples bench bench-build test check deps deps-go deps-apt fmt vet staticcheck test-go fuzz test-elixir test-new-app dialyze clean FORCE

help: ## Show what there is to make
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: $(BIN) ## Build the worker: one static binary, bin/portworker

$(BIN): FORCE
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags='-s -w' -o $@ ./cmd/portworker

examples: ## Build and run the examples, and compare what they print
	@scripts/run-examples

demo: deps-apt build ## Install what is missing and watch a supervised worker at work
	cd elixir_client && mix run ../examples/demo/demo.exs

test: deps check ## Install what is missing and run every check

check: fmt vet staticcheck test-go fuzz test-elixir test-new-app examples dialyze ## Run every check; CI runs exactly this

deps: deps-go deps-apt

deps-go:
	@command -v $(GO) >/dev/null || { echo "Go 1.26 or later is missing: https://go.dev/dl/"; exit 1; }
	$(GO) mod download

# By Debian's packages where something is missing; elsewhere, it says what to install.
deps-apt:
	@scripts/install-deps

fmt:
	@files=$$(gofmt -l .); test -z "$$files" || { echo "gofmt would change:"; echo "$$files"; exit 1; }
	cd elixir_client && mix format --check-formatted "../examples/**/*.exs" "../examples/**/*.ex" "../bench/mix.exs" "../bench/lib/**/*.ex" mix.exs "{lib,test}/**/*.{ex,exs}"

vet:
	$(GO) vet ./...

# Left out, with a word, where it cannot be installed.
staticcheck:
	@test -x $(TOOLS)/staticcheck || GOBIN=$(TOOLS) $(GO) install honnef.co/go/tools/cmd/staticcheck@$(STATICCHECK) || true
	@if test -x $(TOOLS)/staticcheck; then $(TOOLS)/staticcheck ./...; else echo "staticcheck $(STATICCHECK) could not be installed: left out"; fi

# The second run has what cannot be held beside the race detector: that scanning allocates nothing.
test-go: build
	$(GO) test -race -count=1 ./...
	$(GO) test -count=1 ./etf

fuzz: ## Fuzz each decoder for FUZZTIME, a number of inputs (20000x) or a time
	@scripts/fuzz $(FUZZTIME)

test-elixir: build
	cd elixir_client && mix compile --warnings-as-errors --force && mix test

# The five-minute start, typed as it is written.
test-new-app:
	@scripts/check-new-app

dialyze:
	elixir_client/bin/dialyze

bench: deps-apt ## Measure beside a C program; results go to bench/results and docs/benchmarks.md
	bench/run

# What bench/run compares.
bench-build: build
	CGO_ENABLED=0 $(GO) build -o bin/bench-worker ./bench/worker
	$(CC) -O2 -Wall -Wextra -o bin/bench-echo bench/c/echo.c
	$(CC) -O2 -Wall -Wextra -o bin/bench-stream bench/c/stream.c
	$(CC) -O2 -Wall -Wextra -pthread -o bin/bench-line bench/c/line.c
	cd bench && MIX_ENV=prod mix compile

clean: ## Remove what was built
	rm -rf bin elixir_client/_build

FORCE:
