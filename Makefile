# Two commands matter: `make demo` tries the bot, `make test` checks a change.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
  --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" pyproject.toml

.PHONY: demo test proof buildtest fuzztest crashtest mutationtest soak format lock audit pictures clean

demo: $(VENV)/.run-installed
	$(BIN)/python -m bot demo

test: $(VENV)/.dev-installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -n 4 --dist worksteal

# The long stories: real processes that are killed, soaked, attacked and searched for secrets.
proof: $(VENV)/.dev-installed
	$(BIN)/python -m pytest -m proof -n 2 --dist worksteal

# A deploy as a host makes it, from an empty environment: half a minute that `make test` shall not take.
buildtest: $(VENV)/.dev-installed
	$(BIN)/python -m pytest -m build tests/test_build.py

fuzztest: $(VENV)/.dev-installed
	$(BIN)/python -m tests.fuzz 20000

crashtest: $(VENV)/.dev-installed
	$(BIN)/python -m tests.crash 10000

mutationtest: $(VENV)/.dev-installed
	$(BIN)/python -m tests.mutation bot/core bot/partner/decipher.py

soak: $(VENV)/.dev-installed
	$(BIN)/python -m bench.soak

format: $(VENV)/.dev-installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: $(VENV)/.dev-installed
	$(COMPILE) --output-file requirements.txt
	$(COMPILE) --group dev --constraint requirements.txt --output-file requirements-dev.txt

# Asks a public database for known weaknesses of what is pinned; not a part of the tests, for it needs the network.
audit: $(VENV)/.dev-installed
	$(BIN)/uv tool run pip-audit --require-hashes --disable-pip --strict --requirement requirements.txt

pictures: $(VENV)/.dev-installed
	$(BIN)/python -m tests.pictures

clean:
	rm -rf $(VENV)

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run-installed: requirements.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements.txt
	touch $@

$(VENV)/.dev-installed: requirements-dev.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements-dev.txt
	touch $@ $(VENV)/.run-installed
