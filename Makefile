# assay's front door for people and CI. Each target does its own set-up: on a machine that is ready that takes
# a blink. What is compiled and tested stands in CMakeLists.txt; this file only says in which build folder and
# in which order.

SHELL := /bin/bash
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := build

JOBS ?= $(shell nproc)
FUZZ_SECONDS ?= 60

# Without this ccache keeps nothing that was compiled with a precompiled header.
export CCACHE_SLOPPINESS := pch_defines,time_macros
ccache := $(if $(shell command -v ccache),-DCMAKE_C_COMPILER_LAUNCHER=ccache \
  -DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
configure = cmake -G Ninja $(ccache) -Wno-dev --log-level=NOTICE
ctest = ctest --output-on-failure --no-tests=error --parallel $(JOBS)

# Which tests (by ctest label) run again under sanitizers: unit tests and the fuzzers' corpora with ASan and
# UBSan, and those of code with threads with TSan.
ASAN_LABELS ?= ^unit$$|^corpus$$
TSAN_LABELS ?= ^threads$$

# Clang compiles an unoptimised build in two thirds of GCC's time, and reads the sources with a second pair of eyes.
clang := CC=clang-19 CXX=clang++-19

# `make test` is a sequence: its last lines must be those of the last ctest.
.NOTPARALLEL:
.PHONY: help setup setup-build build run tests dev test test-kits sanitize asan tsan fuzz bench bench-rivals dist test-dist format \
  lint clean distclean

help: ## this list
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 20

setup: ## install what building and testing need (root), fetch pinned packages into .deps/
	@scripts/setup.sh test

setup-build:
	@scripts/setup.sh build

build: setup-build ## the program, in build/ (Release)
	@$(configure) -S . -B build -DCMAKE_BUILD_TYPE=Release
	@cmake --build build --parallel $(JOBS) --target assay

run: build ## evaluate this machine: set-up, build, `assay run`
	@# Exit code 1 is an answer (an SLO that was missed, a result that is void), and no failure of make.
	@build/assay run $(ARGS) || { code=$$?; [ $$code -eq 1 ] || exit $$code; }

tests: setup
	@$(configure) -S . -B build -DCMAKE_BUILD_TYPE=Release
	@cmake --build build --parallel $(JOBS) --target assay tests

# Folders are compiled as one unit elsewhere, which makes a clean build fast and the rebuild of one file slow.
dev: setup ## as `make build`, with the unit tests, in build-dev/, every source by itself: for those who change sources
	@$(configure) -S . -B build-dev -DCMAKE_BUILD_TYPE=Release -DASSAY_UNITY=OFF
	@cmake --build build-dev --parallel $(JOBS) --target assay tests

test: tests sanitize ## every test, the sanitizers' share first; ends with ctest's summary
	@$(ctest) --test-dir build

test-kits: build ## the kits for real, with PyTorch on the CPU, installed first (2 GB, from PyPI)
	@python=$$(tests/kits/install.py) && python3 tests/kits/real_test.py build/assay "$$python"

sanitize: asan tsan ## the tests that also run under ASan+UBSan and TSan

asan: setup
	@$(clang) $(configure) -S . -B build-asan -DCMAKE_BUILD_TYPE=Debug -DCMAKE_CXX_FLAGS_DEBUG="-O0 -g1" -DASSAY_SANITIZE=address,undefined
	@cmake --build build-asan --parallel $(JOBS) --target tests
	@$(ctest) --test-dir build-asan -L '$(ASAN_LABELS)'

tsan: setup
	@$(clang) $(configure) -S . -B build-tsan -DCMAKE_BUILD_TYPE=Debug -DCMAKE_CXX_FLAGS_DEBUG="-O0 -g1" -DASSAY_SANITIZE=thread
	@cmake --build build-tsan --parallel $(JOBS) --target thread_tests
	@$(ctest) --test-dir build-tsan -L '$(TSAN_LABELS)'

fuzz: setup ## every fuzzer for FUZZ_SECONDS (60) each, from its corpus
	@$(clang) $(configure) -S . -B build-fuzz -DCMAKE_BUILD_TYPE=RelWithDebInfo \
	  -DASSAY_FUZZ=ON -DASSAY_SANITIZE=address,undefined -DASSAY_UNITY=OFF -DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON
	@cmake --build build-fuzz --parallel $(JOBS) --target fuzzers
	@scripts/fuzz.sh build-fuzz/fuzz $(FUZZ_SECONDS)

bench: setup ## build and run the benchmarks of bench/; needs a quiet machine and 5 GB of disk
	@$(configure) -S . -B build -DCMAKE_BUILD_TYPE=Release
	@cmake --build build --parallel $(JOBS) --target bench

bench-rivals: build ## assay against a bare loop and four other load generators, installed first (6 GB); ARGS=--quick: 8 minutes
	@cmake --build build --parallel $(JOBS) --target bare_client
	@bench/rivals/install.py || echo "make: what could not be installed is a row that says so" >&2
	@bench/rivals/compare.py build $(ARGS)

dist: setup-build ## one archive that runs on any x86-64 Linux without network, with its bill of materials: build-dist/out/
	@scripts/dist/dist.py make

test-dist: setup dist ## the archive made again in another folder, and tried on an older and a newer Debian (root; half an hour)
	@scripts/dist/test.sh build-dist/out

format: setup ## lay out all C++ by .clang-format
	@scripts/sources.sh cc | xargs -0 clang-format-19 -i

lint: setup ## clang-format, clang-tidy, shellcheck: nothing changes, everything is an error
	@$(configure) -S . -B build-lint -DASSAY_UNITY=OFF -DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON
	@scripts/lint.sh

clean: ## remove what was built
	@rm -rf build build-dev build-asan build-tsan build-fuzz build-lint build-dist

distclean: clean ## remove what was built and what was fetched
	@rm -rf .deps
