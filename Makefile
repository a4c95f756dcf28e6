# Two commands on a fresh machine: `make demo` and `make test`. Both set up what they need.
# `make bench` installs MONAI and nnU-Net beside sneakynet, in an environment of their own, and measures against them:
# `make bench BENCH="--quick"` in minutes, without in hours.
# `make weights WEIGHTS="--minutes 10"` makes the weights that come with the package, in pieces.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
BENCH_VENV := .venv-bench
BENCH ?=
WEIGHTS ?=

.PHONY: demo test check bench weights clean

demo: $(VENV)/.installed
	$(BIN)/sneakynet demo -o demo

test: check
	$(BIN)/pytest

check: $(VENV)/.installed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# Installed again whenever the dependencies change. Without a pip that works, the making of the virtual environment was
# broken off: it starts from scratch.
$(VENV)/.installed: pyproject.toml
	@echo "installing into $(VENV); the first time takes some minutes"
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $@

weights: $(VENV)/.installed
	@$(BIN)/python weights/make.py $(WEIGHTS)

bench: $(BENCH_VENV)/.installed
	@$(BENCH_VENV)/bin/python benchmarks/whole_scan.py $(BENCH)

$(BENCH_VENV)/.installed: pyproject.toml benchmarks/peers.txt benchmarks/peers-needs.txt
	@echo "installing into $(BENCH_VENV); the first time takes some minutes"
	@$(BENCH_VENV)/bin/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(BENCH_VENV)
	$(BENCH_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[phantom]' \
		--requirement benchmarks/peers-needs.txt
	$(BENCH_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps \
		--requirement benchmarks/peers.txt
	touch $@

clean:
	rm -rf $(VENV) $(BENCH_VENV) demo
