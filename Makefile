# `make demo` and `make test` need Python 3.11 or newer and make; everything else goes into .venv.
# To choose the Python: make demo PYTHON=/path/to/python3

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test quick fuzz coverage lint format bench docs clean venv
# Two installers must not work on one .venv at a time, so -j changes nothing.
.NOTPARALLEL:

CANDIDATES = $(if $(PYTHON),"$(PYTHON)",python3.13 python3.12 python3.11 python3.14 python3 python)
RUN = .venv/bin/python
PIP = $(RUN) -m pip --disable-pip-version-check --no-input -qq

help:
	@echo 'make demo     train the network of the book, measure what backpropagation saves'
	@echo 'make test     tests, doctests, lint, types'
	@echo 'make quick    the tests that are fast, with few examples: three minutes'
	@echo 'make fuzz     random programs of all ops, for MINUTES=10; more: $(RUN) -m tests.fuzz --help'
	@echo 'make coverage the tests again, and which lines they run: half as fast'
	@echo 'make lint     ruff and mypy only'
	@echo 'make format   rewrite the code in the one style'
	@echo 'make bench    measure speed; for the peers too: $(RUN) -m pip install --group compare'
	@echo 'make docs     build the site: the Korean course, the guide, the reference'
	@echo 'make clean    remove .venv and caches'

demo: .venv/.demo
	@echo '==> tinygrad_ko demo'
	@$(RUN) -m tinygrad_ko demo

# Tests first: whatever mypy thinks of the types of a new NumPy, they run.
test: .venv/.test
	@echo '==> pytest: tests and doctests'
	@$(RUN) -m pytest -n auto --dist worksteal
	@$(MAKE) --no-print-directory lint

quick: .venv/.test
	@HYPOTHESIS_PROFILE=few $(RUN) -m pytest -n auto --dist worksteal -m 'not slow'

fuzz: .venv/.test
	@$(RUN) -m tests.fuzz --minutes $(or $(MINUTES),10)

coverage: .venv/.test
	@$(RUN) -m coverage erase
	@$(RUN) -m coverage run -m pytest -n auto --dist worksteal
	@$(RUN) -m coverage combine -q
	@$(RUN) -m coverage report

lint: .venv/.lint
	@echo '==> ruff check'
	@$(RUN) -m ruff check .
	@echo '==> ruff format --check'
	@$(RUN) -m ruff format --check .
	@echo '==> mypy'
	@$(RUN) -m mypy

format: .venv/.lint
	@$(RUN) -m ruff check --fix-only .
	@$(RUN) -m ruff format .

bench: .venv/.demo
	@$(RUN) -m benchmarks

docs: .venv/.docs
	@echo '==> The site, in build/docs/html'
	@$(RUN) -m docs.site

clean:
	rm -rf .venv .coverage .hypothesis .mypy_cache .pytest_cache .ruff_cache build dist htmlcov
	find . -name __pycache__ -prune -exec rm -rf {} +

.venv/.demo: WANTED = -e '.[train,plots]'
.venv/.test: WANTED = -e '.[all]' --group dev --group clients

# Installed again only when pyproject.toml changes or the Python is gone. --group needs pip 25.1.
# The extra draw only as a wheel: nothing is compiled here, and nothing fails without it.
.venv/.demo .venv/.test: pyproject.toml $(shell test -x $(RUN) || echo venv)
	@echo "==> Installing into .venv:" $(WANTED)
	@$(RUN) -m pip --version >/dev/null 2>&1 || $(RUN) -m ensurepip >/dev/null
	@$(PIP) install --upgrade 'pip>=25.1'
	@$(PIP) install $(WANTED)
	@$(PIP) install --only-binary :all: pygraphviz 2>/dev/null || \
	    echo '==> No wheel of pygraphviz for this Python: graphs are drawn where the program dot is installed'
	@touch $@

.venv/.lint: .venv/.test
	@echo '==> Installing into .venv: ruff and mypy'
	@$(PIP) install --group lint
	@touch $@

.venv/.docs: .venv/.test
	@echo '==> Installing into .venv: Sphinx'
	@$(PIP) install --group docs
	@touch $@

venv:
	@bare=; for python in $(CANDIDATES); do \
	    "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue; \
	    if "$$python" -c 'import ensurepip, venv' 2>/dev/null; then tool=venv; \
	    elif "$$python" -c 'import virtualenv' 2>/dev/null; then tool='virtualenv -q'; \
	    else bare="$$python"; continue; fi; \
	    echo "==> Making .venv with $$python, $$("$$python" --version)"; \
	    exec "$$python" -m $$tool --clear .venv; \
	done; \
	if [ "$$bare" ]; then \
	    echo "$$bare cannot make a virtual environment: its venv module is missing."; \
	    echo "Install it (Debian, Ubuntu: apt-get install python3-venv) and run make again."; \
	else \
	    echo "No Python 3.11 or newer was found."; \
	    echo "Install one and run make again, or name it: make demo PYTHON=/path/to/python3"; \
	fi >&2; \
	exit 1
