# Everything a newcomer needs: `make demo` and `make test` set themselves up.
PYTHON ?= python3.11
VENV ?= .venv
BIN := $(VENV)/bin

.PHONY: demo test lint pictures compose-check lock setup setup-dev

setup: $(VENV)/.run
setup-dev: $(VENV)/.dev

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: requirements.lock pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: requirements-dev.lock pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements-dev.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@

demo: setup
	$(BIN)/arrears demo

# Many tests wait for a process or a timer, so there are more of them at once than cores.
test: setup-dev
	$(BIN)/python -m pytest -n $$(( $$(nproc 2>/dev/null || echo 2) + 1 ))

lint: setup-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/basedpyright
	$(BIN)/lint-imports

compose-check: setup-dev
	$(BIN)/docker-compose --env-file .env.example config -q
	$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yml

# The console's pictures in docs/pictures, taken of a demo while it runs; Debian has the browser and the fonts: chromium fonts-noto-cjk
pictures: setup-dev
	$(BIN)/python -m tests.console.pictures

lock: setup-dev
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --custom-compile-command "make lock" --group build pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --custom-compile-command "make lock" --group dev pyproject.toml -o requirements-dev.lock
