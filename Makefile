# Two commands for users: `make demo` and `make test`. Each sets up all that it needs in .venv, with pinned packages checked by their hashes.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PY := $(BIN)/python
PIP := $(PY) -m pip --quiet --disable-pip-version-check --no-input --retries 10 --timeout 60

.DEFAULT_GOAL := help
.PHONY: help demo test coverage test-browser test-torch check bench bench-all bench-quick bench-fooled bench-fooled-quick bench-calibration bench-trust bench-media bench-gateway lock build clean venv

help:  ## say what can be made
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*##/\t/' | expand -t 14

demo: $(VENV)/runtime  ## the story on real data; writes report.html
	$(BIN)/camelopard demo

test: $(VENV)/dev  ## all tests, README and docs included
	$(PY) -m pytest -n 2 --dist loadfile --ignore=tests/browser

coverage: $(VENV)/dev  ## the same, and which lines they ran
	$(PY) -m pytest -n 2 --dist loadfile --cov --cov-report=term

test-browser: $(VENV)/dev  ## the pages in a real browser, Chromium; pictures of them go to build/pages
	$(PY) -m pytest tests/browser

test-torch: $(VENV)/torch  ## the tests of PyTorch models, which most people need not install
	$(PY) -m pytest tests/torch -p no:cacheprovider

check: $(VENV)/dev  ## linters, types, import contracts
	$(BIN)/ruff check --no-cache .
	$(BIN)/ruff format --no-cache --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/dev  ## measure the tables, imports, memory and one row, and write the figures into README.md
	$(PY) -m bench.run

bench-all: bench bench-fooled bench-calibration bench-trust bench-gateway bench-media  ## measure every bar: some four hours on two cores
	$(PY) -m bench.one_row
	$(PY) -m bench.costs

bench-quick: $(VENV)/dev  ## the same on less data, written nowhere
	$(PY) -m bench.run --quick

bench-fooled: $(VENV)/dev  ## who can tell what fools a model: seven data sets, eight models each
	$(PY) -m bench.fooled

bench-fooled-quick: $(VENV)/dev  ## the same on a few models, written nowhere
	$(PY) -m bench.fooled --quick

bench-calibration: $(VENV)/dev  ## are a model's own probabilities better after calibration?
	$(PY) -m bench.calibration

bench-trust: $(VENV)/dev  ## are promises about errors kept on damaged traffic, and is accuracy estimated well without labels?
	$(PY) -m bench.trust

bench-gateway: $(VENV)/dev  ## what the gateway costs per request, and its log per row
	$(PY) -m bench.log
	$(PY) -m bench.inventory
	$(PY) -m bench.pages
	$(PY) -m bench.gateway

bench-media: $(VENV)/torch  ## texts and pictures: wrong, fooled and novel rows, attacks
	$(PY) -m bench.media
	$(PY) -m bench.media.attacks

venv: $(VENV)/dev  ## set up for development

lock: $(VENV)/dev  ## renew the pinned packages
	$(PIP) install pip-tools
	for name in runtime dev torch; do CUSTOM_COMPILE_COMMAND="make lock" $(PY) -m piptools compile -q --upgrade --generate-hashes --allow-unsafe --strip-extras \
	  --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --no-annotate -o requirements/$$name.txt requirements/$$name.in || exit 1; done

build: $(VENV)/dev  ## source distribution and wheel in dist/
	$(PY) -m build --no-isolation

clean:  ## remove what was made
	rm -rf $(VENV) build dist src/camelopard/core/_kernel*.so .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .coverage report.html src/*.egg-info

$(VENV)/python-found:
	@command -v "$(PYTHON)" >/dev/null || { echo "There is no $(PYTHON) here. On Debian or Ubuntu: apt-get install python3 python3-venv"; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "camelopard needs Python 3.11 or newer; $(PYTHON) is older. Try: make PYTHON=python3.12 demo"; exit 1; }
	@"$(PYTHON)" -m venv $(VENV) || { rm -rf $(VENV); echo "Python cannot make virtual environments here. On Debian or Ubuntu: apt-get install python3-venv"; exit 1; }
	@touch $@

$(VENV)/runtime: $(VENV)/python-found requirements/runtime.txt pyproject.toml setup.py src/camelopard/core/_kernel.c
	@echo "Setting up (a minute or two, once) …"
	@$(PIP) install --require-hashes -r requirements/runtime.txt
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/dev: $(VENV)/runtime requirements/dev.txt
	@$(PIP) install --require-hashes -r requirements/dev.txt
	@touch $@

$(VENV)/torch: $(VENV)/dev requirements/torch.txt
	@$(PIP) install --require-hashes -r requirements/torch.txt
	@touch $@
