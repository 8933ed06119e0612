# The commands of Rotomill. `make demo` and `make test` set up what is missing.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

# Without an NVIDIA GPU the CPU build of torch will do: it is ten times smaller. Unreachable, it is passed over.
ifeq ($(shell command -v nvidia-smi 2>/dev/null),)
TORCH_INDEX ?= https://download.pytorch.org/whl/cpu
endif
ifneq ($(strip $(TORCH_INDEX)),)
TORCH_INDEX_FLAGS := --extra-index-url $(TORCH_INDEX) --retries 1 --timeout 20
endif

.PHONY: help setup weights demo serve test services lint format wheel clean

help: ## what there is
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

setup: $(VENV)/.complete ## set up the environment in .venv

$(VENV)/.complete: pyproject.toml constraints.txt api/client/pyproject.toml scripts/make-venv
	scripts/make-venv "$(PYTHON)" $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $(TORCH_INDEX_FLAGS) torch==2.13.0
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt '.[worker,dev]' -e api/client
	@rm -rf build *.egg-info
	@touch $@

weights: setup ## fetch ImageNet's ResNet-18 into data/weights, for the standard tier (FROM=mirror or file)
	$(BIN)/rotomill weights pull $(if $(FROM),--from "$(FROM)")

demo: setup ## the main job, end to end (VIDEO=clip.mp4 MASK=mask.png for your own)
	@$(BIN)/python -m demo $(if $(VIDEO),--video "$(VIDEO)") $(if $(MASK),--mask "$(MASK)") $(DEMO_FLAGS)

serve: setup ## the service on http://127.0.0.1:8000, until Ctrl-C
	@$(BIN)/python -m api

# A file's tests stay together, since they share what is costly to start; one thread each, since two run at once.
PYTEST_FLAGS ?= -n 2 --dist loadfile

test: setup lint services ## all tests, on the real services too
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest $(PYTEST_FLAGS)

services: ## install PostgreSQL, Redis, Prometheus and Chromium for the tests, where that needs no password
	@scripts/install-services

lint: setup ## ruff, mypy, and the architecture
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy --config-file api/client/pyproject.toml -p rotomill
	$(BIN)/lint-imports

format: setup ## put the code into the house's format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

wheel: setup ## the client's wheel, in dist/
	$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir dist api/client

clean: ## remove what was set up and made
	rm -rf $(VENV) dist build out data demo/run
