# From Noise to Sprites: everything a student, an instructor or a maintainer types.
# Needs Python 3.11 or newer; to name one: make lab PYTHON=python3.12

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
SOURCES := $(wildcard notebooks/src/*.py)
NOTEBOOKS := $(SOURCES:notebooks/src/%.py=notebooks/%.ipynb)
JAVASCRIPT := $(if $(CDN),,node_modules/installed)

# Tests take two cores: two workers with one thread each, or one with two. With more they would wait for one another.
THREADS ?= 1
WORKERS := $(if $(filter 1,$(THREADS)),2,1)
TIMES   ?= 10
PYTEST  := OMP_NUM_THREADS=$(THREADS) $(BIN)/python -m pytest --nbval -n $(WORKERS) --dist loadscope
INSTALL := $(BIN)/python -m pip install --disable-pip-version-check $(if $(CI),--quiet)
# All but those with a command of their own, which norecursedirs in pyproject.toml leaves out, too.
TESTS   := $(filter-out tests/browser/% tests/colab/% tests/packaging/% tests/students/%,$(wildcard tests/test_*.py tests/*/test_*.py))

# On Linux the registry's PyTorch brings CUDA along, 4.5 GB of it. Where there is no NVIDIA GPU, a new .venv begins with the build for CPUs, and the
# torchvision that belongs to it, from PyTorch's own index. If that does not answer within ten seconds, or what came cannot be imported, it is the
# registry's turn, as if nothing had happened. To decide yourself: make lab TORCH=cpu, or TORCH=cuda.
TORCH    ?= $(shell test "$$(uname)" = Linux && ! nvidia-smi -L 2>&1 | grep -q ^GPU && echo cpu)
FOR_CPUS ?= https://download.pytorch.org/whl/cpu
ANSWERS  := timeout 10 $(BIN)/python -c 'from urllib.request import urlopen; urlopen("$(FOR_CPUS)/torch/", timeout=5)' 2>/dev/null

# JupyterLab refuses to run as root, as one does in a container, unless told that it is meant.
AS_ROOT := $(if $(filter 0,$(shell id -u)),--allow-root)

.DEFAULT_GOAL := help
.PHONY: help lab test test-oldest test-shuffled test-repeatedly test-browser test-colab test-students test-package types budgets coverage mutants mutants-more notebooks slides slides-pdf handout site media sprites format clean

help: ## print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-15s %s\n", $$1, $$2}' Makefile

lab: $(VENV)/lab ## set everything up and open notebook 01 in JupyterLab
	$(BIN)/jupyter lab --notebook-dir=. --LabApp.default_url=/lab/tree/notebooks/01_intuition.ipynb $(AS_ROOT)

test: $(VENV)/test ## set everything up and run all tests, notebooks included
	$(PYTEST)

test-oldest: ## the same with the oldest versions that pyproject.toml admits, in .venv-oldest
	$(MAKE) .venv-oldest/python VENV=.venv-oldest TORCH=oldest
	.venv-oldest/bin/python -m pip install --quiet uv # pip cannot be asked for the oldest
	$(MAKE) test VENV=.venv-oldest INSTALL='.venv-oldest/bin/uv pip install --python .venv-oldest/bin/python --resolution lowest-direct'

test-shuffled: $(VENV)/test ## the same with the files in random order; SEED=n repeats one
	@files=$$($(BIN)/python tests/shuffled.py $(TESTS) $(wildcard notebooks/*.ipynb)) && set -x && $(PYTEST) --no-loadscope-reorder $$files

test-repeatedly: ## the same ten times, or TIMES=n, or until it fails
	@for run in $$(seq $(TIMES)); do echo "run $$run of $(TIMES)"; $(MAKE) test || { echo "run $$run failed"; exit 1; }; done

test-browser: $(VENV)/browser node_modules/installed ## click through the notebooks, the slides and the site in Chromium
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest tests/browser -n 2 --dist loadfile

test-colab: $(VENV)/test ## run each notebook as Colab does, with the course that its first cell installs
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest tests/colab -n 2

test-students: $(VENV)/test ## run the notebooks in the ways of students: twice, stopped, out of order, in hostile places
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest tests/students -n 2

test-package: $(VENV)/test ## build wheel and sdist, and run a notebook with nothing but what they install
	$(BIN)/python -m pytest tests/packaging

types: $(VENV)/test ## check the types of the package, strictly
	$(BIN)/python -m mypy

budgets: $(VENV)/test ## measure the time, memory and size of each notebook
	$(BIN)/python benchmarks/notebooks.py

coverage: $(VENV)/test ## say which lines of the package no test runs
	$(PYTEST) tests --cov

mutants: $(VENV)/test ## plant classic errors in copies of the package, one at a time, and say which tests notice
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.mutants.plant

mutants-more: $(VENV)/mutants ## let mutmut change every line of the smallest modules, and print what no test notices
	OMP_NUM_THREADS=1 CI=1 $(BIN)/mutmut run --max-children 2
	$(BIN)/mutmut results

notebooks: $(NOTEBOOKS) ## write and run the notebooks that are older than their text or the package

handout: $(VENV)/teach ## write the notebooks without their solutions, for students, to handout/; NBGRADER=1 for nbgrader
	$(BIN)/python -m teaching.handout handout $(if $(NBGRADER),--nbgrader)

media: $(VENV)/browser slides site ## make the pictures of README and site again; needs Chromium
	$(BIN)/python -m media.logo site/_static/sprite.png
	$(BIN)/python -m media.movie media/noise-to-sprites.webp
	$(BIN)/python -m media.ten_lines media/ten-lines.png
	$(BIN)/python -m media.covers media/covers
	$(BIN)/python -m pytest media/shots.py

site: $(VENV)/teach $(JAVASCRIPT) ## write the web pages: site/_build/html/index.html
	@rm -rf site/_build # no page of yesterday, and no warning that was given yesterday
	CDN=$(CDN) $(BIN)/sphinx-build --quiet -W --keep-going -d site/_build/doctrees site site/_build/html

DECK := $(if $(CDN),--cdn) $(if $(filter 0,$(SOLUTIONS)),--no-solutions)

# Slides, site and handouts are made from the notebooks as they are: nobody has to run these again to present them.
slides: $(VENV)/teach $(JAVASCRIPT) ## write a deck for each notebook, which needs no network; CDN=1: small ones that do; SOLUTIONS=0: without solutions
	$(BIN)/python slides/deck.py notebooks/*.ipynb $(DECK)

slides-pdf: $(VENV)/teach $(JAVASCRIPT) ## print the decks; needs Chromium
	$(BIN)/python slides/deck.py notebooks/*.ipynb --pdf $(DECK)

sprites: $(VENV)/test ## draw data/sprites.npz and its card again
	$(BIN)/python -m course_utils draw-sprites --n 20000 --n-test 2000 --seed 0 --overwrite --out data/sprites.npz

format: $(VENV)/test ## tidy the code
	$(BIN)/ruff format . && $(BIN)/ruff check --fix .

clean: ## remove the virtual environments
	rm -rf $(VENV) .venv-oldest

# A notebook is its text plus the outputs of one run from top to bottom, and is replaced only when that run succeeds.
# What tidy.py leaves out of it, and how it keeps pictures light and the same, that file says.
notebooks/%.ipynb: notebooks/src/%.py $(wildcard course_utils/*.py course_utils/*/*.py course_utils/figures/course.mplstyle data/*.npz data/*.csv weights/*.safetensors) | $(VENV)/test
	@mkdir -p notebooks/.run && { test ! -e $@ || cp $@ notebooks/.run/; }
	$(BIN)/jupytext --quiet --to ipynb --update --output notebooks/.run/$(@F) $<
	$(BIN)/jupyter nbconvert --log-level WARN --to notebook --execute --inplace --ExecutePreprocessor.record_timing=False notebooks/.run/$(@F)
	$(BIN)/python notebooks/tidy.py notebooks/.run/$(@F) $(wildcard $@)
	@mv notebooks/.run/$(@F) $@

# An empty file marks what is installed, and pyproject.toml says when that is out of date.
$(VENV)/lab: $(VENV)/python pyproject.toml
	$(INSTALL) --editable '.[lab]'
	$(BIN)/jupyter labextension disable --level=sys_prefix @jupyterlab/apputils-extension:announcements # it asks questions
	@touch $@

$(VENV)/teach: $(VENV)/python pyproject.toml
	$(INSTALL) --editable '.[teach]'
	@touch $@

$(VENV)/browser: $(VENV)/python pyproject.toml
	$(INSTALL) --editable '.[browser]'
	@touch $@

$(VENV)/mutants: $(VENV)/python pyproject.toml
	$(INSTALL) --editable '.[mutants]'
	@touch $@

$(VENV)/test: $(VENV)/python pyproject.toml
	$(INSTALL) --editable '.[test]'
	@touch $@

$(VENV)/python:
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) is not installed: the course needs Python 3.11 or newer"; exit 1; }
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; v >= (3, 11) or sys.exit("the course needs Python 3.11 or newer, and $(PYTHON) is %d.%d; name another: make PYTHON=python3.12" % v)'
	$(PYTHON) -m venv $(VENV)
	@if test "$(TORCH)" = cpu && $(ANSWERS); then \
		echo "PyTorch comes without CUDA: a few minutes, and about 1.3 GB in $(VENV). (With CUDA: make clean, then make lab TORCH=cuda.)" >&2; \
		$(INSTALL) --index-url $(FOR_CPUS) torch torchvision && $(BIN)/python -c 'import torchvision' || $(BIN)/python -m pip uninstall -qy torch torchvision; \
	fi
	@$(BIN)/python -c 'import torch' 2>/dev/null || echo "What comes now takes a few minutes, and about 6 GB in $(VENV) on Linux, most of it CUDA, or about 1 GB elsewhere." >&2
	@touch $@

# The JavaScript of slides and site: fetched once, never committed. No lock file: both packages are pinned and need no others.
node_modules/installed: package.json
	@command -v npm >/dev/null || { echo "npm is not installed. Install Node.js, or let the pages load their JavaScript from the network: make slides CDN=1"; exit 1; }
	npm install --no-package-lock --no-audit --no-fund --silent
	@touch $@
