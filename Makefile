# `make demo` and `make test` are all a newcomer needs, with Rust, a C compiler and Python 3.
# `make help` lists the rest. Extra arguments of the command: make demo ARGS="--seed 7"

CARGO  ?= cargo
PYTHON ?= python3
ARGS   ?=
PREFIX ?= /usr/local
DESTDIR ?=
TARGET ?= gate
TIME   ?= 60
DENY_VERSION = 0.20.2
API_VERSION = 0.52.0

.DEFAULT_GOAL := help
.PHONY: demo test lint fmt deny scenarios fuzz bench flood load install install-lib bare vendored header api test-embedded siege siege-full help needs

demo: needs ## build `ltms` in release mode and run its demonstration (ARGS=… is passed on)
	@$(CARGO) run --locked --release --quiet -p ltms-net --bin ltms -- demo $(ARGS)

test: needs ## everything: format, lints, features, no_std, docs, tests; the last line sums it up
	@$(PYTHON) tests/run.py $(ARGS)

lint: needs ## only the checks that run no test of the workspace
	@$(PYTHON) tests/run.py fmt clippy features doc $(ARGS)

fmt: needs ## format all Rust code in place
	@$(CARGO) fmt --all
	@$(CARGO) fmt --manifest-path tests/no_std/Cargo.toml
	@$(CARGO) fmt --manifest-path tests/embedded/Cargo.toml
	@$(CARGO) fmt --manifest-path fuzz/Cargo.toml
	@$(CARGO) fmt --manifest-path ffi-c/header/Cargo.toml

scenarios: needs ## 1,000 random operation sequences that nobody played before, against the model (or LTMS_SEED's)
	@$(PYTHON) tests/oracle/gate.py --fresh 1000 target/fresh-scenarios.json
	@LTMS_SCENARIOS="$(CURDIR)/target/fresh-scenarios.json" $(CARGO) test --locked --quiet -p ltms-core --features std,serde --test scenarios

test-embedded: needs ## the core on an emulated Cortex-M3: answers, flash, RAM, stack, instructions (ARGS=--write: docs/embedded.md)
	@$(PYTHON) tests/embedded/run.py $(ARGS)

fuzz: needs ## fuzz TARGET (gate) for TIME (60) seconds with libFuzzer; needs a C++ compiler
	@$(PYTHON) fuzz/run.py $(TARGET) $(TIME) $(ARGS)

deny: needs ## licences, sources and bans of the dependencies (installs cargo-deny the first time)
	@$(CARGO) deny --version >/dev/null 2>&1 || $(CARGO) install --locked cargo-deny@$(DENY_VERSION)
	@$(CARGO) deny --locked check bans licenses sources --hide-inclusion-graph
	@$(CARGO) deny --locked --manifest-path fuzz/Cargo.toml check bans licenses sources --hide-inclusion-graph
	@$(CARGO) deny --locked --manifest-path ffi-c/header/Cargo.toml check bans licenses sources --hide-inclusion-graph

bench: needs ## decisions against a keyed rate limiter, signatures against libsecp256k1; writes docs/benchmarks.md
	@$(CARGO) bench --locked --quiet -p ltms-core --features alloc --bench decisions -- --write $(ARGS)
	@$(CARGO) bench --locked --quiet -p ltms-core --bench schnorr

flood: needs ## ten million fresh peer ids against a node's tables; writes docs/benchmarks.md
	@$(CARGO) bench --locked --quiet -p ltms-core --features alloc --bench flood -- --write $(ARGS)

load: needs ## a node on 127.0.0.1 under load and floods, refusals in core; fails over a goal; writes docs/benchmarks.md
	@$(CARGO) bench --locked --quiet -p ltms-core --features alloc --bench decisions -- --refusals --write
	@$(CARGO) bench --locked --quiet -p ltms-net --bench load -- --write $(ARGS)

siege: needs ## four policies under the same attacks, and a node on 127.0.0.1; writes target/siege and docs/siege.md
	@$(CARGO) run --locked --release --quiet -p ltms-siege -- $(or $(ARGS),--write)
	@$(if $(ARGS),true,$(CARGO) run --locked --release --quiet -p ltms-siege -- --without --check)
	@$(CARGO) run --locked --release --quiet -p ltms-siege --bin sockets -- $(if $(ARGS),--quick,--write)

siege-full: needs ## the same with many more nodes, for longer
	@$(CARGO) run --locked --release --quiet -p ltms-siege -- --full $(ARGS)

install: needs ## the command, its unit, manual pages and completions, under PREFIX (/usr/local)
	@$(CARGO) build --locked --release --quiet -p ltms-net --bin ltms
	@PREFIX="$(PREFIX)" DESTDIR="$(DESTDIR)" LTMS="$${CARGO_TARGET_DIR:-target}/release/ltms" sh dist/install.sh

install-lib: needs ## libltms, its headers, pkg-config and CMake files, under PREFIX (/usr/local)
	@$(CARGO) build --locked --release --quiet -p ltms-ffi
	@PREFIX="$(PREFIX)" DESTDIR="$(DESTDIR)" LIBRARIES="$${CARGO_TARGET_DIR:-target}/release" sh dist/lib/install.sh

bare: needs ## the C library for devices, without an allocator: target/bare/libltms.a
	@$(CARGO) rustc --locked --quiet -p ltms-ffi --lib --crate-type staticlib --no-default-features --profile bare

vendored: needs ## libltms from vendored sources, offline, in a folder of its own (700 MB meanwhile)
	@$(PYTHON) tests/c/vendored.py

header: needs ## include/ltms.h, anew from the sources of ffi-c
	@$(CARGO) run --locked --quiet --manifest-path ffi-c/header/Cargo.toml --target-dir "$${CARGO_TARGET_DIR:-target}/header"

api: needs ## core/api/ltms-core.txt, the public items of core (installs cargo-public-api the first time)
	@cargo-public-api --version >/dev/null 2>&1 || $(CARGO) install --locked cargo-public-api@$(API_VERSION)
	@$(PYTHON) tests/api.py --write

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-13s %s\n", $$1, $$2}' Makefile

needs:
	@command -v $(CARGO) >/dev/null || { echo "Rust is missing: install it with rustup or your system's packages" >&2; exit 1; }
	@command -v cc >/dev/null || { echo "a C compiler is missing: install gcc or clang, as \`cc\`" >&2; exit 1; }
	@command -v $(PYTHON) >/dev/null || { echo "Python 3 is missing: install python3" >&2; exit 1; }
