# Two commands are enough: `make demo` and `make test`. Both create what they need in build/venv.
# The others are for developers; `make help` lists all.

PYTHON ?= python3
VENV := build/venv
BIN := $(VENV)/bin
PLUGINS := $(patsubst %/pyproject.toml,%,$(wildcard plugins/vpcflow-*/pyproject.toml))
# what the environment was made from: it is made again when one of these changes
SOURCES := pyproject.toml constraints.txt $(PLUGINS:=/pyproject.toml) \
	$(shell find vpcflow/_native plugins -path '*/tests' -prune -o \( -name '*.[ch]' -o -name '*.cmake' -o -name CMakeLists.txt \) -print)

.PHONY: help demo test test-system kills memory scenarios gather lint types fuzz bench guards instructions samples clean

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

demo: $(VENV)/installed ## build, read the sample logs, print what was found
	$(BIN)/python docs/demo.py

test: $(VENV)/tested ## all tests that need nothing but pip
	$(BIN)/pytest --ignore=tests/system

test-system: $(VENV)/tested lint types ## lint, types, sanitizers, fuzzing, arm64, instruction counts, guards
	$(BIN)/pytest tests/system
	$(BIN)/pytest benchmarks/test_guards.py benchmarks/test_guards_enrich.py -s
	$(BIN)/python plugins/vpcflow-query/benchmarks/sql_gz.py --guard --lines 2000000

kills: $(VENV)/tested ## kill runs at COUNT (50) moments for each file sink and store, and between all steps
	VPCFLOW_KILLS=$(or $(COUNT),50) $(BIN)/pytest tests/system/test_kills.py tests/system/test_kills_of_services.py -v

memory: $(VENV)/tested ## peak memory of runs over FILES (50) files of 75 MB gzip, for each sink
	VPCFLOW_FILES=$(or $(FILES),50) $(BIN)/pytest tests/system/test_memory.py -s

scenarios: $(VENV)/tested ## diagnosis against COUNT (2,000) simulated networks with a known fault
	VPCFLOW_SCENARIOS=$(or $(COUNT),2000) $(BIN)/pytest plugins/vpcflow-diagnose/tests/test_scenarios.py -s

gather: $(VENV)/tested ## diagnosis over 102 million records against reading alone: time and memory
	$(BIN)/python plugins/vpcflow-diagnose/benchmarks/gather.py --times 10 --diagnose

lint: $(VENV)/tested ## ruff
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/tested ## mypy, strict on the package
	$(BIN)/mypy

fuzz: $(VENV)/tested ## fuzz for SECONDS (an hour): make fuzz SECONDS=36000
	VPCFLOW_FUZZ_SECONDS=$(or $(SECONDS),3600) $(BIN)/pytest tests/system/test_sanitizers.py -k fuzzing -s

bench: $(VENV)/tested ## everything against the peers; writes benchmarks/results/
	$(BIN)/python -m benchmarks.full

guards: $(VENV)/tested ## the ratios that are held
	$(BIN)/pytest benchmarks/test_guards.py benchmarks/test_guards_enrich.py -s
	$(BIN)/python plugins/vpcflow-query/benchmarks/sql_gz.py --guard --lines 2000000

instructions: $(VENV)/tested ## count instructions anew: tests/system/instructions.json
	$(BIN)/python -m pytest tests/system/test_instructions.py --write-instructions

samples: $(VENV)/tested ## make the sample logs anew
	$(BIN)/python tests/data/make_samples.py

clean: ## remove what was built
	rm -rf build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade pip

$(VENV)/installed: $(BIN)/python $(SOURCES)
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[all]' $(addprefix --editable ./,$(PLUGINS))
	@touch $@

$(VENV)/tested: $(VENV)/installed
	$(BIN)/pip install --quiet --constraint constraints.txt --group test --group bench --group lint --group system
	@touch $@
