# `make help` lists the targets. Everything a target needs is installed by it.
VENV ?= .venv
BIN = $(VENV)/bin
PYTHON ?=
TOPOLOGY ?= ha
INVENTORY ?= inventory
PLAYBOOKS ?= site.yml
export PATH := $(abspath $(BIN)):$(PATH)
export ANSIBLE_CONFIG := $(CURDIR)/ansible.cfg
export ANSIBLE_COLLECTIONS_PATH := $(CURDIR)/.collections
export PYTHONDONTWRITEBYTECODE := 1

.DEFAULT_GOAL := help
.PHONY: help venv needs lint sanity galaxy types unit integration molecule e2e e2e-cluster e2e-balancer e2e-operations e2e-others e2e-long test demo demo-down rehearse bench bench-pki bench-scale bench-scale-picture docs docs-check build clean

help: ## list the targets
	@sed -nE 's/^([a-z0-9-]+):.*## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 22

venv: $(BIN)/.installed ## the development tools, in .venv

$(BIN)/.installed: requirements-dev.txt
	@PYTHON=$(PYTHON) dev/tools/venv.sh $(VENV) requirements-dev.txt

needs: ## the system packages of tests and demo (Debian, as root)
	@dev/tools/needs.sh

lint: venv ## ruff, yamllint, ansible-lint, shell syntax
	ruff check .
	ruff format --check .
	yamllint --strict .
	ansible-lint --offline
	antsibull-changelog lint
	@dev/tools/lint_shell.sh
	$(BIN)/python dev/tools/check_tree.py
	$(BIN)/python dev/tools/check_layers.py
	$(BIN)/python dev/tools/check_words.py

sanity: venv ## ansible-test sanity on what is shipped
	dev/tools/sanity.sh

galaxy: venv ## galaxy-importer on the built archive, as for an upload
	dev/tools/galaxy.sh

types: venv ## mypy, strict
	mypy -p ansible_collections.hardway.kubernetes.plugins
	mypy dev

unit: venv ## pure decisions, no hosts
	pytest tests/unit --numprocesses auto

integration: venv needs ## modules against the real programs
	pytest tests/integration --numprocesses 4 --dist loadfile

molecule: venv needs ## scenarios on sandbox hosts: check, converge, idempotence, verify; SCENARIO=ha takes longer
	$(BIN)/python dev/tools/molecule.py $(SCENARIO)

e2e: e2e-others e2e-balancer e2e-cluster e2e-operations ## clusters on sandbox hosts

e2e-cluster: venv needs ## of these, one cluster that clients query all the time
	pytest tests/e2e/cluster --durations 10

e2e-balancer: venv needs ## of these, haproxy and keepalived alone, with clients as well
	pytest tests/e2e/lb_only --durations 10

e2e-operations: venv needs ## of these, all operations of one cluster: deploy, add, upgrade, replace, back up, restore, remove, reset
	pytest tests/e2e/operations -rP

e2e-others: venv needs ## the others
	pytest tests/e2e --ignore=tests/e2e/cluster --ignore=tests/e2e/lb_only --ignore=tests/e2e/operations --durations 10

e2e-long: venv needs ## hours more: every topology, operations, single kills; ARGS="-k etcd-apart"
	pytest tests/e2e tests/integration tests/unit -m long -o timeout=7200 $(ARGS)
	$(if $(ARGS),,$(BIN)/python dev/tools/molecule.py ha)

test: venv ## everything, as CI runs it
	$(BIN)/python dev/tools/test.py

demo: ## a cluster on this machine: TOPOLOGY=ha (default) or single-master
	@$(MAKE) --no-print-directory venv
	@$(BIN)/python dev/tools/demo.py up --topology $(TOPOLOGY)

demo-down: ## remove the demo's hosts and files
	@$(BIN)/python dev/tools/demo.py down

rehearse: ## your inventory on sandbox hosts: INVENTORY=path, PLAYBOOKS="site.yml ...", ARGS="-e ...", FROM=version
	@$(MAKE) --no-print-directory venv needs
	@$(BIN)/python dev/tools/rehearse.py $(INVENTORY) $(PLAYBOOKS) --args='$(ARGS)' --from='$(FROM)' $(if $(ONCE),--once)

bench: venv needs ## speed of the HA deployment, and its floor
	@$(BIN)/python dev/bench/bench.py

bench-pki: venv ## keys and certificates: ours against cfssl and openssl
	@$(BIN)/python dev/bench/pki.py

bench-scale: venv ## the controller's cost with 10, 100 and 1,000 simulated hosts; ARGS="--sizes 10,100"
	@$(BIN)/python dev/bench/scale.py $(ARGS)

bench-scale-picture: venv ## docs/images/scale.svg from what bench-scale wrote: FIGURES="a.json b.json", of ARGS="--json a.json"
	$(BIN)/python -m pip install --quiet 'matplotlib>=3.9,<4'
	$(BIN)/python dev/bench/picture.py $(FIGURES) --picture docs/images/scale.svg

docs: venv ## regenerate the reference pages and README tables
	$(BIN)/python dev/tools/gendocs.py

docs-check: venv ## fail when a generated page differs from its source, or a default from its specification
	$(BIN)/python dev/tools/gendocs.py --check
	$(BIN)/python dev/tools/check_specs.py

build: venv ## build the collection archive into build/
	ansible-galaxy collection build --force --output-path build

clean: ## caches and build results; keeps .venv
	rm -rf build .cache .mypy_cache .pytest_cache .ruff_cache .ansible
	find . -path ./.venv -prune -o -name __pycache__ -type d -print0 | xargs -0 rm -rf
