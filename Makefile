# From Noise to Sprites: everything a student, an instructor or a maintainer types.
# Needs Python 3.11 or newer; to name one: make lab PYTHON=python3.12

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
SOURCES := $(wildcard notebooks/src/*.py)
NOTEBOOKS := $(SOURCES:notebooks/src/%.py=notebooks/%.ipynb)
JAVASCRIPT := $(if $(CDN),,node_modules/installed)

# JupyterLab refuses to run as root, as one does in a container, unless told that it is meant.
AS_ROOT := $(if $(filter 0,$(shell id -u)),--allow-root)

.DEFAULT_GOAL := help
.PHONY: help lab test test-browser test-colab notebooks slides slides-pdf handout site media sprites format clean

help: ## print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-12s %s\n", $$1, $$2}' Makefile

lab: $(VENV)/lab ## set everything up and open the course in JupyterLab
	$(BIN)/jupyter lab --notebook-dir=. --LabApp.default_url=/lab/tree/notebooks $(AS_ROOT)

test: $(VENV)/test ## set everything up and run all tests, notebooks included
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --nbval -n 2 --dist loadscope # two workers, one core each

test-browser: $(VENV)/browser node_modules/installed ## click through the notebooks, the slides and the site in Chromium
	$(BIN)/python -m pytest tests/browser

test-colab: $(VENV)/test ## run each notebook as Colab does, with the course that its first cell installs
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest tests/colab -n 2

notebooks: $(NOTEBOOKS) ## write and run the notebooks that are older than their text or the package

handout: $(VENV)/teach ## write the notebooks without their solutions, for students, to handout/
	$(BIN)/python -m teaching.handout handout

media: $(VENV)/browser slides site ## make the pictures of README and site again; needs Chromium
	$(BIN)/python -m media.logo site/_static/sprite.png
	$(BIN)/python -m media.movie media/noise-to-sprites.webp
	$(BIN)/python -m pytest media/shots.py

site: $(VENV)/teach $(JAVASCRIPT) ## write the web pages: site/_build/html/index.html
	@rm -rf site/_build # no page of yesterday, and no warning that was given yesterday
	CDN=$(CDN) $(BIN)/sphinx-build --quiet -W --keep-going -d site/_build/doctrees site site/_build/html

# Slides, site and handouts are made from the notebooks as they are: nobody has to run these again to present them.
slides: $(VENV)/teach $(JAVASCRIPT) ## write a deck for each notebook, which needs no network; with CDN=1 a small one that does
	$(BIN)/python slides/deck.py notebooks/*.ipynb $(if $(CDN),--cdn)

slides-pdf: $(VENV)/teach $(JAVASCRIPT) ## print the decks; needs Chromium
	$(BIN)/python slides/deck.py notebooks/*.ipynb --pdf $(if $(CDN),--cdn)

sprites: $(VENV)/test ## draw data/sprites.npz and its card again
	$(BIN)/python -m course_utils draw-sprites --n 20000 --n-test 2000 --seed 0 --out data/sprites.npz

format: $(VENV)/test ## tidy the code
	$(BIN)/ruff format . && $(BIN)/ruff check --fix .

clean: ## remove the virtual environment
	rm -rf $(VENV)

define WITHOUT_BARS
import nbformat, re, sys
notebook = nbformat.read(sys.argv[1], 4)
for cell in (cell for cell in notebook.cells if cell.cell_type == "code"):
    cell.outputs = [output for output in cell.outputs if not re.search(r"it/s\]|s/it\]", str(output.get("data")))]
nbformat.write(notebook, sys.argv[1])
endef
export WITHOUT_BARS

# A notebook is its text plus the outputs of one run from top to bottom, and is replaced only when that run succeeds.
# Progress bars are taken out of it again: they are for the one who waits.
notebooks/%.ipynb: notebooks/src/%.py $(wildcard course_utils/*.py course_utils/*.mplstyle course_utils/*/*.py data/*.npz data/*.csv weights/*.safetensors) | $(VENV)/test
	@mkdir -p notebooks/.run && { test ! -e $@ || cp $@ notebooks/.run/; }
	$(BIN)/jupytext --quiet --to ipynb --update --output notebooks/.run/$(@F) $<
	$(BIN)/jupyter nbconvert --log-level WARN --to notebook --execute --inplace --ExecutePreprocessor.record_timing=False notebooks/.run/$(@F)
	$(BIN)/python -c "$$WITHOUT_BARS" notebooks/.run/$(@F)
	@mv notebooks/.run/$(@F) $@

# An empty file marks what is installed, and pyproject.toml says when that is out of date.
$(VENV)/lab: $(VENV)/python pyproject.toml
	$(BIN)/python -m pip install --quiet --editable '.[lab]'
	$(BIN)/jupyter labextension disable --level=sys_prefix @jupyterlab/apputils-extension:announcements # it asks questions
	@touch $@

$(VENV)/teach: $(VENV)/python pyproject.toml
	$(BIN)/python -m pip install --quiet --editable '.[teach]'
	@touch $@

$(VENV)/browser: $(VENV)/python pyproject.toml
	$(BIN)/python -m pip install --quiet --editable '.[browser]'
	@touch $@

$(VENV)/test: $(VENV)/python pyproject.toml
	$(BIN)/python -m pip install --quiet --editable '.[test]'
	@touch $@

$(VENV)/python:
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) is not installed: the course needs Python 3.11 or newer"; exit 1; }
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; v >= (3, 11) or sys.exit("the course needs Python 3.11 or newer, and $(PYTHON) is %d.%d; name another: make PYTHON=python3.12" % v)'
	$(PYTHON) -m venv $(VENV) && touch $@

# The JavaScript of slides and site: fetched once, never committed. No lock file: both packages are pinned and need no others.
node_modules/installed: package.json
	@command -v npm >/dev/null || { echo "npm is not installed. Install Node.js, or let the pages load their JavaScript from the network: make slides CDN=1"; exit 1; }
	npm install --no-package-lock --no-audit --no-fund --silent
	@touch $@
