# The targets that people use; `make help` lists them. What they need is installed by scripts/prerequisites.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help run demo build test check format bench crash reset prerequisites test-prerequisites

CARGO ?= cargo
# A debug build starts two minutes earlier on a fresh machine; RELEASE=1 makes the fast program.
PROFILE := $(if $(RELEASE),--release)
FAIRTRADE = $(CARGO) run --quiet --bin fairtrade $(PROFILE) --

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: build ## Build, start a private Postgres, put a small demo in, serve on http://127.0.0.1:8080 until Ctrl-C
	@exec $(FAIRTRADE) serve --demo --migrate

demo: build ## Walk the main job over HTTP against the running server, or one it starts (JSON=1: for programs)
	@exec $(FAIRTRADE) demo $(if $(JSON),--json)

build: prerequisites ## Build the fairtrade command
	@$(CARGO) build --bin fairtrade $(PROFILE)

test: test-prerequisites ## Set everything up and run every test
	@if $(CARGO) nextest --version >/dev/null 2>&1; then \
		$(CARGO) nextest run --workspace --no-fail-fast; \
		$(CARGO) test --workspace --doc; \
	else \
		$(CARGO) test --workspace --no-fail-fast; \
	fi

check: prerequisites ## What has to pass: format, clippy and docs without a warning, every test
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --quiet -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --workspace --no-deps --document-private-items --quiet
	$(MAKE) --no-print-directory test

format: ## Format the code
	@$(CARGO) fmt --all

bench: prerequisites ## Measure requests a second beside pgbench; a release build
	@$(CARGO) bench --quiet --package tests --bench product -- $(BENCH)

crash: prerequisites ## Kill the server thirty times under money traffic and prove that nothing was lost
	@FAIRTRADE_CRASH_ROUNDS=$${ROUNDS:-30} $(CARGO) test --package tests --test it crash -- --nocapture

reset: ## Stop the private Postgres and remove the data directory
	@scripts/reset

prerequisites: ## Install what is missing, or say what to install
	@scripts/prerequisites

test-prerequisites: ## The same, and what only the tests need: Node.js with an OpenID provider and an S3, Redis
	@scripts/prerequisites tests
