# Two commands: `make quickstart` (a study and its report) and `make test` (everything that CI checks).
# PYTHON: what .venv is made with, where there is none; VENV: another folder for it.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
NEWEST := .venv-newest
LOWEST := .venv-lowest
export PYTHON

.PHONY: quickstart test test-processors test-newest test-lowest constraints coverage bench docs clean

# Installs what every command needs (CONTRIBUTING.md: sizes), then runs the study.
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
NUMERIC := $(addprefix tests/,advice cli/test_value.py decisions evaluation generation/test_draw.py mixture phases scaling statistics study theory \
	training valuation)
default := ATEN_CPU_CAPABILITY=default DNNL_MAX_CPU_ISA=SSE41 OPENBLAS_CORETYPE=Nehalem \
	NPY_DISABLE_CPU_FEATURES="X86_V3 X86_V4 AVX512_ICL AVX512_SPR"
avx2 := ATEN_CPU_CAPABILITY=avx2 DNNL_MAX_CPU_ISA=AVX2 OPENBLAS_CORETYPE=Haswell \
	NPY_DISABLE_CPU_FEATURES="X86_V4 AVX512_ICL AVX512_SPR"

test-processors: $(foreach threads,1 2,processor-default-$(threads) processor-avx2-$(threads))

processor-%: $(VENV)/.installed-dev
	$($(word 1,$(subst -, ,$*))) OMP_NUM_THREADS=$(word 2,$(subst -, ,$*)) \
	$(BIN)/pytest -n $$(( ($$(nproc) + $(word 2,$(subst -, ,$*)) - 1) / $(word 2,$(subst -, ,$*)) )) --dist loadfile $(NUMERIC)

# The tests with the newest versions that pyproject.toml allows, in an environment of its own.
test-newest:
	.ci/install $(NEWEST) --upgrade --upgrade-strategy eager --editable ".[dev]"
	OMP_NUM_THREADS=1 $(NEWEST)/bin/pytest -n auto --dist loadfile

# The tests marked `smoke` with the lowest versions that pyproject.toml allows of all but torch (whose builds differ by
# index, and whose oldest bring gigabytes of CUDA) and the tools of developers; on Python 3.11, which they are built for.
test-lowest: $(VENV)/.installed-dev
	mkdir -p build
	$(BIN)/python .ci/versions.py lowest > build/lowest.txt
	.ci/install $(LOWEST) --constraint build/lowest.txt \
		--editable ".[hub,cloud,cluster,track,generate,sql,value,harness]" pytest pytest-xdist hypothesis
	OMP_NUM_THREADS=1 $(LOWEST)/bin/pytest -n auto --dist loadfile -m smoke

# constraints.txt anew, from the newest versions, once the tests have passed with them.
constraints: test-newest
	mkdir -p build
	$(NEWEST)/bin/python .ci/versions.py tested > build/constraints.txt
	mv build/constraints.txt constraints.txt

# Which lines no test runs, by room: docs/coverage.md.
coverage: $(VENV)/.installed-dev
	OMP_NUM_THREADS=1 $(BIN)/pytest -n auto --dist loadfile --cov synthmix --cov-report json:build/coverage.json
	$(BIN)/python benchmarks/covered.py build/coverage.json

bench: $(VENV)/.installed-dev
	$(BIN)/python benchmarks/corpus.py
	$(BIN)/python benchmarks/training.py
	$(BIN)/python benchmarks/planning.py
	$(BIN)/python benchmarks/load.py
	$(BIN)/python benchmarks/memory.py
	$(BIN)/python benchmarks/trunk.py
	$(BIN)/python benchmarks/filters.py
	$(BIN)/python benchmarks/generation.py
	$(BIN)/python benchmarks/text_statistics.py
	$(BIN)/python benchmarks/phases.py
	$(BIN)/python benchmarks/valuation/run.py
	$(BIN)/python benchmarks/advice.py
	$(BIN)/python benchmarks/kills.py
	$(BIN)/python benchmarks/kills.py --flips 100

# The site, in build/site/index.html; tests/test_docs.py builds it as strictly.
docs: $(VENV)/.installed-dev
	$(BIN)/mkdocs build --strict

# The stamps are written when an install has come to its end, so that one that was cut is done again.
$(VENV)/.installed: pyproject.toml constraints.txt .ci/install
	.ci/install $(VENV) --tested --editable .
	touch $@

$(VENV)/.installed-dev: pyproject.toml constraints.txt .ci/install
	.ci/install $(VENV) --tested --editable ".[dev]"
	touch $(VENV)/.installed $@

clean:
	rm -rf $(VENV) $(NEWEST) $(LOWEST)
