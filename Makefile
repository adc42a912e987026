# `make run` is all that a user needs, `make test` all that a contributor needs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
WEB := clients/web
SECONDS ?= 60
NPM := npm --prefix $(WEB) --no-fund --no-audit --no-update-notifier

# A stamp lies in the directory that it vouches for, so removing the directory removes it too.
VENV_READY := $(VENV)/stamp-venv
LIBRARIES_READY := $(VENV)/stamp-libraries
PLANE_READY := $(VENV)/stamp-plane
TOOLS_READY := $(VENV)/stamp-tools
BUILDS_READY := .fuzz/stamp-builds
NODE_READY := $(WEB)/node_modules/.stamp
WEB_READY := $(WEB)/dist/index.html

FUZZ := $(wildcard tests/media/fuzz/*.cpp tests/media/fuzz/*.h tests/dicom/*.cpp)
CXX := $(wildcard media/plane/*.cpp media/plane/*.h loadtests/native/*.cpp loadtests/native/*.hpp)
NATIVE := pyproject.toml $(wildcard CMakeLists.txt */*/CMakeLists.txt) $(CXX)
PAGES := $(shell find $(WEB)/src $(WEB)/public -type f) $(wildcard $(WEB)/*.html $(WEB)/*.ts)

MAKEFLAGS += --jobs=2  # Python's side and the web client's are made at once
.DEFAULT_GOAL := help
.PHONY: help run install test lint format bench fuzz lock clean

help:  ## list these verbs
	@sed -n 's/^\([a-z]*\):.*## /make \1 \t/p' Makefile

run: install  ## install what is missing, and start the demonstration
	$(BIN)/distal demo

install: $(PLANE_READY) $(WEB_READY)  ## all that `make run` needs, without starting

test: install lint $(BUILDS_READY)  ## install what the tests need, check the style, run every test
	tests/install_debian.sh
	$(NPM) run test
	$(BIN)/python -m pytest --numprocesses=2 --dist=loadfile --no-loadscope-reorder $(ARGS)

lint: $(TOOLS_READY) $(PLANE_READY) $(NODE_READY)  ## formatters, linters and type checkers, changing nothing
	$(BIN)/ruff format --check . && $(BIN)/ruff check . && $(BIN)/mypy
	$(BIN)/clang-format --dry-run --Werror $(CXX) $(FUZZ)
	$(NPM) run lint && $(NPM) run check

format: $(TOOLS_READY) $(NODE_READY)  ## let the formatters have their way
	$(BIN)/ruff check --fix . && $(BIN)/ruff format . && $(BIN)/clang-format -i $(CXX) $(FUZZ) && $(NPM) run format

bench: install  ## Distal and Janus under the same loads, written into docs/benchmarks.md
	$(BIN)/python -m loadtests $(ARGS)

fuzz: $(TOOLS_READY) install  ## each of the plane's parsers for SECONDS (60), then Python's properties
	tests/install_debian.sh
	$(BIN)/python -m tests.media.fuzz.programs --seconds $(SECONDS)
	$(BIN)/python -m pytest -k hypothesis --hypothesis-profile=long --timeout=3600 $(ARGS)

lock: $(TOOLS_READY)  ## pin the newest versions that pyproject.toml and package.json allow
	tests/lock.sh $(BIN) && $(NPM) update

clean:  ## remove all that was built or installed; keys and data stay
	rm -rf $(VENV) build .fuzz $(WEB)/node_modules $(WEB)/dist .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(VENV_READY):
	@echo "== 1/5 virtual environment"
	$(PYTHON) server/prerequisites.py
	$(PYTHON) -m venv $(VENV) && touch $@

$(LIBRARIES_READY): requirements.lock | $(VENV_READY)
	@echo "== 2/5 libraries"
	$(PIP) install --require-hashes -r requirements.lock && touch $@

$(PLANE_READY): $(NATIVE) $(LIBRARIES_READY)
	@echo "== 3/5 media plane, compiled for this machine"
	env -u MAKEFLAGS $(PIP) install --no-build-isolation --no-deps --verbose --editable . && touch $@

$(NODE_READY): $(WEB)/package-lock.json | $(VENV_READY)
	@echo "== 4/5 libraries of the web client"
	$(NPM) ci && touch $@

$(WEB_READY): $(NODE_READY) $(PAGES) $(wildcard $(WEB)/*.json)
	@echo "== 5/5 web client"
	$(NPM) run build && touch $@

$(TOOLS_READY): requirements-dev.lock | $(PLANE_READY)
	$(PIP) install --require-hashes -r requirements-dev.lock && touch $@

$(BUILDS_READY): $(NATIVE) $(FUZZ) $(wildcard tests/media/fuzz/CMakeLists.txt) $(TOOLS_READY)
	tests/install_debian.sh
	env -u MAKEFLAGS $(BIN)/python -m tests.media.builds && touch $@
