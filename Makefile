# Everything lives in .venv; `make run` and `make test` do all the set-up.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: run ui test check setup bench clean

run: setup
	$(BIN)/python -m flows.rolling

ui: setup
	$(BIN)/python -m flows.ui

test: check
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

setup: .venv/.ready

.venv/.ready: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "error: $(PYTHON) is older than 3.11; choose another one with: make PYTHON=python3.11"; exit 2; }
	@$(PYTHON) -c 'import ensurepip, venv' 2> /dev/null || \
		{ echo "error: $(PYTHON) cannot make environments; on Debian: apt install python3-venv"; exit 2; }
	$(PYTHON) -m venv --clear .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev,dask,online,xgboost,catboost]'
	touch $@

bench: setup
	$(BIN)/python -m benchmarks $(BENCH)

clean:
	rm -rf .venv build *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
