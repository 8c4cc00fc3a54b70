# The dev loop. Everything is installed in .venv and made in .cache, both below this folder. CONTRIBUTING.md explains more.
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
NOX := PATH="$(CURDIR)/$(VENV)/bin:$$PATH" $(RUN) -m nox
# What tools cache for a user stays below this folder, except the downloads of uv and pip.
USER_CACHE := $(or $(XDG_CACHE_HOME),$(if $(HOME),$(HOME)/.cache,$(CURDIR)/.cache/user))
export UV_CACHE_DIR ?= $(USER_CACHE)/uv
export PIP_CACHE_DIR ?= $(USER_CACHE)/pip
export XDG_CACHE_HOME := $(CURDIR)/.cache/xdg
# Without bytecode each of Ansible's commands takes twice as long to start.
unexport PYTHONDONTWRITEBYTECODE
# These would hide this folder from Python, or install elsewhere than into .venv.
unexport PYTHONSAFEPATH PYTHONHOME PIP_TARGET PIP_PREFIX
export PIP_USER := 0
# These take one core each, so they run beside one another; units and integration take all cores.
ON_ONE_CORE := sanity hostile site lint docs forge changelog types style prose

.PHONY: help demo check test matrix ends debian devel mutants docs soak bench bench-peers emulator certification rehearsal redhat release clean
help:
	@echo "make demo         run a web tier on the emulator: check mode, for real, a second time, and down"
	@echo "make check        style, vocabulary, types and unit tests: for each save"
	@echo "make test         everything that a change needs on the ansible-core of .venv; CHECKS='units lint' runs those, CHECKS=list names them"
	@echo "make matrix       the tests on each ansible-core; PAIRS='3.10/2.16 3.13/2.22', CHECKS='units sanity'"
	@echo "make ends         the oldest and the newest pair of the matrix"
	@echo "make debian       the roles on isolated hosts of a Debian release, as root; RELEASE=trixie"
	@echo "make devel        the tests on the development branch of ansible-core"
	@echo "make mutants      change the core at random, and count the changes that the unit tests notice; SAMPLE=300 SEED=1 MINUTES=120"
	@echo "make docs         build this documentation as a site; a warning fails it"
	@echo "make soak         search longer for sequences and responses that break a guarantee; EXAMPLES=20000"
	@echo "make bench        measure ratios against the same work without the collection; CASES='loop buckets', CASES=list, PAIRS=1"
	@echo "make bench-peers  the same task by three other clouds' collections"
	@echo "make emulator     start the emulator for a playbook of yours; ARGS='--port 8080' and others"
	@echo "make redhat       the role web_server in a container; IMAGE=docker.io/almalinux/9-init"
	@echo "make rehearsal    rehearse a release in a repository of its own, and the demo with its web servers"
	@echo "make release      VERSION=1.2.3: bump, build, install and try that version in a clone; publishes nothing"
	@echo "make clean        remove what the others installed and made"

demo: $(VENV)/.demo
	@$(RUN) -m tests.demo $(ARGS)

check: $(VENV)/.test
	@$(NOX) -s style prose types units

test: $(VENV)/.test
ifeq ($(CHECKS),list)
	@$(NOX) -l
else ifdef CHECKS
	@$(NOX) -s $(CHECKS)
else
	@$(MAKE) --no-print-directory --keep-going .session-units .session-integration .beside
endif

.beside:
	@$(MAKE) --no-print-directory --keep-going --jobs=$$(getconf _NPROCESSORS_ONLN) --output-sync=target $(ON_ONE_CORE:%=.session-%)

.session-%:
	@$(NOX) -s $*

# make would take the parenthesis of a session's name for the end of its own.
OPEN := (
CLOSE := )
matrix: $(VENV)/.test
	@$(NOX) -s $(if $(PAIRS),$(patsubst %,'matrix$(OPEN)%$(CLOSE)',$(PAIRS)),matrix) -- $(CHECKS)

ends devel certification rehearsal: $(VENV)/.test
	@$(NOX) -s $@

RELEASE ?= trixie
debian: $(VENV)/.test
	@$(NOX) -s 'debian$(OPEN)$(RELEASE)$(CLOSE)'

redhat: $(VENV)/.test
	@RED_HAT_IMAGE="$(IMAGE)" $(NOX) -s redhat

SAMPLE ?= 300
SEED ?= 1
MINUTES ?= 120
mutants: $(VENV)/.test
	@$(NOX) -s mutants -- --sample $(SAMPLE) --seed $(SEED) --minutes $(MINUTES)

docs: $(VENV)/.docs
	@$(RUN) -m tests.site

EXAMPLES ?= 4000
soak: $(VENV)/.test
	@SOAK_EXAMPLES=$(EXAMPLES) $(RUN) -m pytest -q -n auto tests/unit/promises tests/hostile/test_search.py

bench: $(VENV)/.demo
	@$(RUN) -m tests.benchmark $(CASES)

bench-peers: $(VENV)/.demo
	@$(RUN) -m tests.benchmark.peers

emulator: $(VENV)/.demo
	@$(RUN) -m tests.emulator $(ARGS)

release: $(VENV)/.test
	@$(RUN) -m tests.packaging.release "$(VERSION)"

clean:
	rm -rf $(VENV) .cache

# uv installs in seconds what takes pip a minute; if it can't be had or can't reach the registry, pip does it.
$(VENV)/.demo $(VENV)/.docs $(VENV)/.test: $(VENV)/.%: pyproject.toml
	@echo "==> Installing what 'make $*' needs into $(VENV) (once)"
	@# An interrupted run leaves a Python without pip, an upgrade of the system one that leads nowhere.
	@$(RUN) -m pip --version >/dev/null 2>&1 || $(RUN) -m ensurepip >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	@if $(RUN) -m pip install -q --disable-pip-version-check uv && $(VENV)/bin/uv pip install -q --python $(RUN) --group $*; then :; else \
		echo "==> uv did not do it; installing with pip"; \
		$(RUN) -m pip install -q --disable-pip-version-check 'pip>=25.1' && $(RUN) -m pip install -q --group $*; fi
	@touch $@
