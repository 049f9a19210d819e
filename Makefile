# make demo: a virtual environment, the package, and one contact sheet to look at.   make studio: the page on which faces are made live.   make test: everything CI runs.
PYTHON ?= python3
VENV ?= .venv
JOBS ?= auto
BIN := $(VENV)/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: demo studio test check smoke docs site results clean

$(BIN)/likeness: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install -q -e .
	@touch $@

$(BIN)/pytest: $(BIN)/likeness
	$(BIN)/pip install -q -c constraints.txt -e '.[test]'
	@touch $@

demo: $(BIN)/likeness
	$(BIN)/likeness demo -o demo

# its own stamp, for the base install has nothing of the web
$(BIN)/uvicorn: $(BIN)/likeness
	$(BIN)/pip install -q -c constraints.txt -e '.[studio]'
	@touch $@

studio: $(BIN)/uvicorn
	$(BIN)/likeness studio

# One process a core; OMP_NUM_THREADS=1, for two processes with two threads each stop one another. Files that take long begin first,
# as tests/conftest.py orders them. Bytecode is kept, since the tests start many interpreters.
test: check
	OMP_NUM_THREADS=1 PYTHONDONTWRITEBYTECODE= $(BIN)/pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder

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

# the same pages as a site, in site/: an environment of its own, since nothing of the package has to be imported
SITE_VENV ?= .venv-docs
site:
	$(PYTHON) -m venv $(SITE_VENV)
	$(PYTHON) -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]["docs"], sep="\n")' > $(SITE_VENV)/packages.txt
	$(SITE_VENV)/bin/pip install -q -r $(SITE_VENV)/packages.txt
	NO_MKDOCS_2_WARNING=1 $(SITE_VENV)/bin/mkdocs build --strict --clean --quiet
	$(PYTHON) tools/check_site.py site

# every table in results/. DATA, LFW, CUFS … are made by likeness prepare (docs/data.md); LFW alone is what the comparisons train on,
# and docs/portrait.md says how runs/map-depth and runs/map-parsing are trained.
# The two studies train eleven networks when RUNS does not hold them yet: hours.
DATA ?= runs/faces.parquet
LFW ?= runs/lfw.parquet
YTF ?= runs/ytf.parquet
CUFS ?= runs/cufs.parquet
RUNS ?= runs/comparison
STEPS ?= 1000
REPORT ?= 400
FACES256 ?= runs/parser256.parquet
CUFS256 ?= runs/cufs256.parquet
PAIRS ?= 500
TARGETS ?= runs/targets.parquet
LFW5 ?= runs/lfw5.parquet
PHOTOS ?= ../shared/data/lfw
CLIPS ?= ../shared/data/clips
YOUTUBE ?= ../shared/data/youtube_faces
LIKENESS := $(BIN)/likeness
results: $(BIN)/pytest
	$(LIKENESS) evaluate verification --real $(PHOTOS)/images --pairs $(PHOTOS)/pairs.txt --csv results/verification.csv
	$(LIKENESS) evaluate parts --data $(DATA) --photos first --csv results/parts_lfw_first.csv --groups --sheet runs/results_first.png
	$(LIKENESS) evaluate parts --data $(DATA) --photos all --csv results/parts_lfw_all.csv
	$(LIKENESS) evaluate parts --data $(DATA) --perturb --csv results/parts_lfw_perturbed.csv --sheet runs/results_perturbed.png
	$(LIKENESS) study parts ablation --data $(LFW) -o $(RUNS) --steps $(STEPS) --csv results/parts_ablation.csv --curves
	$(LIKENESS) study parts baselines --data $(LFW) -o $(RUNS) --steps $(STEPS) --also parts --photos 128 --csv results/parts_table3_128.csv --curves
	$(LIKENESS) study parts baselines --data $(LFW) -o $(RUNS) --steps $(STEPS) --also parts --photos all --csv results/parts_table3_all.csv
	$(LIKENESS) evaluate parts --weights $(RUNS)/parts-RPA --data $(DATA) --trivial-from $(LFW) --source celebamask --photos all --csv results/parts_cross_celebamask.csv --sheet runs/cross_celebamask.png
	$(LIKENESS) evaluate parts --weights $(RUNS)/parts-RPA --data $(YTF) --trivial-from $(LFW) --source youtube_faces --photos all --csv results/parts_cross_youtube.csv --sheet runs/cross_youtube.png
	$(LIKENESS) evaluate portrait --data $(DATA) --photos 128 --csv results/portrait_lfw_128.csv --sheet runs/portrait_lfw_128.png
	$(LIKENESS) evaluate portrait --data $(CUFS) --source photos --photos all --limit 60 --pairs-as-drawings --csv results/portrait_cufs.csv --sheet runs/portrait_cufs.png
	$(LIKENESS) study portrait all --data $(LFW) --people Hugo_Chavez Vladimir_Putin Gloria_Macapagal_Arroyo -o runs/report --steps $(REPORT) --csv results
	$(LIKENESS) evaluate portrait --weights runs/map-depth --data runs/depth.parquet --source celebamask --photos all --csv results/portrait_depth.csv
	$(LIKENESS) evaluate portrait --weights runs/map-parsing --data runs/parsing.parquet --source celebamask --photos all --csv results/portrait_parsing.csv
	$(LIKENESS) evaluate parser --data $(FACES256) --source celebamask --photos all --last 100 --csv results/parser.csv --sheet runs/parser.png
	$(LIKENESS) evaluate landmark_detector --real $(YOUTUBE) --landmarks $(YOUTUBE)/landmarks68.csv --csv results/detector.csv
	$(LIKENESS) evaluate landmark --data $(LFW) --csv results/landmark_generic.csv --sheet runs/landmark_generic.png
	$(LIKENESS) evaluate joint --data $(DATA) --limit 100 --groups --csv results/joint.csv --sheet runs/joint_sheet.png
	$(LIKENESS) evaluate joint --experiment clips --clips $(CLIPS) --data $(DATA) --limit 6 --frames 40 --csv results/joint_clips.csv --sheet runs/joint_clips.png
	$(LIKENESS) evaluate joint --experiment many --data $(DATA) --limit 100 --csv results/joint_many.csv --sheet runs/joint_many.png
	$(LIKENESS) evaluate joint --experiment sketches --data $(CUFS256) --source cufs --photos all --csv results/joint_sketches.csv --sheet runs/joint_sketches.png
	$(LIKENESS) evaluate facefeat --data $(DATA) --limit 200 --csv results/facefeat.csv --sheet runs/facefeat.png
	$(LIKENESS) evaluate facefeat --experiment vary --data $(DATA) --limit 20 --csv results/facefeat_vary.csv --sheet runs/facefeat_vary.png
	$(LIKENESS) evaluate facefeat --experiment blend --data $(DATA) --limit 20 --csv results/facefeat_blend.csv --sheet runs/facefeat_blend.png
	$(LIKENESS) evaluate facefeat --experiment pairs --data $(DATA) --csv results/facefeat_pairs.csv
	$(LIKENESS) evaluate facefeat --experiment templates --data $(DATA) --csv results/facefeat_templates.csv
	$(LIKENESS) evaluate facefeat --experiment frontal --data $(DATA) --limit 200 --csv results/facefeat_frontal.csv --sheet runs/facefeat_frontal.png
	$(LIKENESS) evaluate facefeat --experiment directions --data $(DATA) --limit 20 --csv results/facefeat_directions.csv
	$(LIKENESS) study landmark --data $(TARGETS) --from landmark --steps 1200 -o runs/targets --csv results/landmark.csv
	$(LIKENESS) study landmark --data $(LFW5) --from landmark --steps 500 --limit 20 -o runs/lfw5 --csv results/landmark_lfw.csv
	$(LIKENESS) evaluate isegan --data $(CUFS256) --source cufs --photos all --csv results/isegan.csv --sheet runs/isegan.png
	$(LIKENESS) evaluate isegan --weights src/likeness/weights/isegan_sketch/weights.safetensors --data $(CUFS256) --source cufs --photos all --csv results/isegan_sketch.csv --sheet runs/isegan_sketch.png
	$(LIKENESS) study isegan --data $(CUFS256) --source cufs --photos all --steps $(PAIRS) -o runs/isegan-study --only full scagan pix2pix base base-per base-per-cmp base-per-cmp-pm dualgan --csv results/isegan_study.csv
	$(MAKE) docs

clean:
	rm -rf $(VENV) $(SITE_VENV) site demo runs/smoke
