# Two commands: `make quickstart` (a study and its report) and `make test` (everything that CI checks).
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: quickstart test test-processors coverage bench docs clean

quickstart: $(VENV)/.installed
	$(BIN)/synthmix study run examples/quickstart.yaml

test: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	OMP_NUM_THREADS=1 $(BIN)/pytest -n auto --dist loadfile

# The tests that calculate, on this machine made to act as x86-64 processors without AVX and with AVX2 only, on one thread
# and on two. One of the four: make processor-avx2-1. All in spite of failures: make -k test-processors.
NUMERIC := $(addprefix tests/,advice cli/test_value.py evaluation mixture phases scaling statistics study theory training \
	valuation)
default := ATEN_CPU_CAPABILITY=default DNNL_MAX_CPU_ISA=SSE41 OPENBLAS_CORETYPE=Nehalem \
	NPY_DISABLE_CPU_FEATURES="X86_V3 X86_V4 AVX512_ICL AVX512_SPR"
avx2 := ATEN_CPU_CAPABILITY=avx2 DNNL_MAX_CPU_ISA=AVX2 OPENBLAS_CORETYPE=Haswell \
	NPY_DISABLE_CPU_FEATURES="X86_V4 AVX512_ICL AVX512_SPR"

test-processors: $(foreach threads,1 2,processor-default-$(threads) processor-avx2-$(threads))

processor-%: $(VENV)/.installed-dev
	$($(word 1,$(subst -, ,$*))) OMP_NUM_THREADS=$(word 2,$(subst -, ,$*)) \
	$(BIN)/pytest -n $$(( ($$(nproc) + $(word 2,$(subst -, ,$*)) - 1) / $(word 2,$(subst -, ,$*)) )) --dist loadfile $(NUMERIC)

# Which lines no test runs, by room: docs/coverage.md.
coverage: $(VENV)/.installed-dev
	OMP_NUM_THREADS=1 $(BIN)/pytest -n auto --dist loadfile --cov synthmix --cov-report json:build/coverage.json
	$(BIN)/python benchmarks/covered.py build/coverage.json

bench: $(VENV)/.installed-dev
	$(BIN)/python benchmarks/corpus.py
	$(BIN)/python benchmarks/training.py
	$(BIN)/python benchmarks/planning.py
	$(BIN)/python benchmarks/memory.py
	$(BIN)/python benchmarks/trunk.py
	$(BIN)/python benchmarks/filters.py
	$(BIN)/python benchmarks/generation.py
	$(BIN)/python benchmarks/text_statistics.py
	$(BIN)/python benchmarks/phases.py
	$(BIN)/python benchmarks/valuation/run.py
	$(BIN)/python benchmarks/advice.py
	$(BIN)/python benchmarks/kills.py

# The site, in build/site/index.html; tests/test_docs.py builds it as strictly.
docs: $(VENV)/.installed-dev
	$(BIN)/mkdocs build --strict

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml | $(VENV)/bin/python
	$(BIN)/pip install --quiet --editable .
	touch $@

$(VENV)/.installed-dev: pyproject.toml | $(VENV)/bin/python
	$(BIN)/pip install --quiet --editable ".[dev]"
	touch $(VENV)/.installed $@

clean:
	rm -rf $(VENV)
