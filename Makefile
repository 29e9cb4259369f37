# `make demo` and `make test` need Python 3.10 or newer, and a package index; nothing else.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: demo test test-slow test-sd-scripts lint env clean
.DEFAULT_GOAL := demo

demo: $(STAMP)  ## the main job, from drawn photographs to a LoRA, into demo/
	$(BIN)/lorawrap demo --out demo

# A process a core, each with one thread: on models this small a second one waits more than it works. The tests
# of a file stay together, so that what they share is made once.
test: $(STAMP)  ## every test of seconds that this machine can run
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n logical --dist loadfile

# The other notebook's machine, statistics of a whole training, real Ray, Slurm and foreign disks where they are.
test-slow: $(STAMP)  ## every test of minutes that this machine can run
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -rs -n logical --dist loadfile -m slow

# LORAWRAP_SD_SCRIPTS names a checkout, LORAWRAP_SD_SCRIPTS_PYTHON its Python, LORAWRAP_SD_SCRIPTS_OLD an older one.
test-sd-scripts: $(STAMP)  ## sd-scripts itself, asked and trained on tiny models
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -rs -m sd_scripts

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

env: $(STAMP)

# A stamp, so that an interrupted installation is taken up again and a finished one is not repeated.
$(STAMP): setup.cfg pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 10) else "Python 3.10 or newer is needed; set PYTHON=…")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test]'
	touch $@

clean:
	rm -rf demo build *.egg-info
