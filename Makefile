# Two commands need no preparation: `make demo` and `make test`.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin

.PHONY: demo test test-slow test-integrations lint bench clean

demo: $(VENV)/.installed
	@$(BIN)/python examples/demo.py

test: $(VENV)/.tested lint
	$(BIN)/python -m pytest -n 2 --dist worksteal

test-slow: $(VENV)/.tested
	$(BIN)/python -m pytest -m slow

# In an environment of their own: the frameworks bring a hundred packages, and plugins for pytest.
test-integrations: $(VENV)-integrations/.installed
	$(VENV)-integrations/bin/python -m pytest -n 2 tests/test_integration_*.py \
	  -o asyncio_mode=auto -o asyncio_default_fixture_loop_scope=function
	$(VENV)-integrations/bin/python tests/compare/langgraph_conformance.py
	$(VENV)-integrations/bin/python tests/compare/openai_agents_conformance.py

$(VENV)-integrations/.installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)-integrations
	$(VENV)-integrations/bin/python -m pip install --quiet --upgrade "pip>=25.1"
	$(VENV)-integrations/bin/python -m pip install --quiet --group integrations \
	  --editable ".[langgraph,langchain,openai-agents,anthropic,server,http]"
	@touch $@

lint: $(VENV)/.tested
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

$(VENV)/bin/python:
	$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11) and 'Remanence needs Python 3.11 or newer; say make PYTHON=...')"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"

$(VENV)/.installed: $(VENV)/bin/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable .
	@touch $@

$(VENV)/.tested: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --constraint constraints.txt torch==2.13.0
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --group test --group lint
	@touch $@

clean:
	rm -rf $(VENV) $(VENV)-integrations .pytest_cache .mypy_cache .ruff_cache .hypothesis
