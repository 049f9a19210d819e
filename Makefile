# make demo: a virtual environment, the package, and one contact sheet to look at.   make test: everything CI runs.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: demo test check smoke docs results clean

$(BIN)/likeness: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install -q -c constraints.txt -e .
	@touch $@

$(BIN)/pytest: $(BIN)/likeness
	$(BIN)/pip install -q -c constraints.txt -e '.[test]'
	@touch $@

demo: $(BIN)/likeness
	$(BIN)/likeness demo -o demo

test: check
	$(BIN)/pytest

check: $(BIN)/pytest
	$(BIN)/ruff check src tests tools benchmarks
	$(BIN)/ruff format --check src tests tools benchmarks
	$(BIN)/mypy

# one tiny training on drawn faces and one picture from it: seconds
smoke: $(BIN)/likeness
	rm -rf runs/smoke
	$(BIN)/likeness train parts:tiny -o runs/smoke
	$(BIN)/likeness parts src/likeness/samples/ada.png --weights runs/smoke --sheet -o runs/smoke/ada.png

# the pages that are made from the program itself
docs: $(BIN)/likeness
	$(BIN)/python tools/make_docs.py

# every table in results/; DATA is a file made by: likeness prepare .../lfw .../celebamask -o faces.parquet
DATA ?= runs/faces.parquet
results: $(BIN)/pytest
	$(BIN)/likeness evaluate parts --data $(DATA) --photos first --csv results/parts_lfw_first.csv --sheet runs/results_first.png
	$(BIN)/likeness evaluate parts --data $(DATA) --photos all --csv results/parts_lfw_all.csv
	$(BIN)/likeness evaluate parts --data $(DATA) --stray --csv results/parts_lfw_stray.csv --sheet runs/results_stray.png

clean:
	rm -rf $(VENV) demo runs/smoke
