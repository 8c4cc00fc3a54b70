# The dev loop. Everything is installed below this folder, in .venv; everything made is in .cache. CONTRIBUTING.md tells more.
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
# Without bytecode each command of Ansible's takes twice as long to start.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo test docs soak bench bench-peers emulator matrix release clean
help:
	@echo "make demo      a web tier on the emulator: check mode, for real, a second time, and down again"
	@echo "make test      every check; CHECKS='units lint' runs only those, 'make test CHECKS=list' names them"
	@echo "make matrix    the tests on each ansible-core that the Pythons here take; PAIRS='3.10/2.16 3.13/2.22', PAIRS=list, CHECKS='units sanity'"
	@echo "make docs      this documentation as a site, below .cache; a warning fails it"
	@echo "make soak      searches longer for sequences and answers that break a promise; EXAMPLES=20000 tries more of each"
	@echo "make bench     how long the collection takes, against the same without it; CASES='loop buckets', CASES=list, PAIRS=1"
	@echo "make bench-peers  the same task by three other clouds' collections; installs the package ansible below .cache"
	@echo "make emulator  the emulator on its own, for a playbook of yours; ARGS='--port 8080' and others"
	@echo "make release  VERSION=1.2.3: bumps, builds, installs and tries that version in a clone; publishes nothing"
	@echo "make clean     removes what the others installed and made"

demo: $(VENV)/.demo
	@$(RUN) -m tests.demo

test: $(VENV)/.test
	@$(RUN) -m tests.checks $(CHECKS)

matrix: $(VENV)/.test
	@$(RUN) -m tests.matrix --pairs "$(PAIRS)" $(CHECKS)

docs: $(VENV)/.docs
	@$(RUN) -m tests.site

EXAMPLES ?= 4000
soak: $(VENV)/.test
	@SOAK_EXAMPLES=$(EXAMPLES) $(RUN) -m pytest -q -n auto tests/unit/test_stateful.py tests/unit/test_hostile_answers.py

bench: $(VENV)/.demo
	@$(RUN) -m tests.benchmark $(CASES)

bench-peers: $(VENV)/.demo
	@$(RUN) -m tests.benchmark.peers

emulator: $(VENV)/.demo
	@$(RUN) -m tests.emulator $(ARGS)

release: $(VENV)/.test
	@$(RUN) -m tests.release "$(VERSION)"

clean:
	rm -rf $(VENV) .cache

# uv installs in seconds what takes pip a minute; where it can't be had or can't reach the registry, pip does it.
$(VENV)/.demo $(VENV)/.docs $(VENV)/.test: $(VENV)/.%: pyproject.toml
	@echo "==> Installing what 'make $*' needs into $(VENV) (once)"
	@test -x $(RUN) || $(PYTHON) -m venv $(VENV)
	@if $(RUN) -m pip install -q --disable-pip-version-check uv && $(VENV)/bin/uv pip install -q --python $(RUN) --group $*; then :; else \
		echo "==> uv did not do it; installing with pip"; \
		$(RUN) -m pip install -q --disable-pip-version-check 'pip>=25.1' && $(RUN) -m pip install -q --group $*; fi
	@touch $@
