# The project's commands. `make demo` and `make test` need nothing but Python 3.11+.

PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin
CHECKED := relay web worker shared sandbox tests .ci

.DEFAULT_GOAL := help
.PHONY: help demo embed texts test test-fast test-slow chaos bench pictures spam-table check format lock advisories sbom clean chromium nginx caddy

help:  ## Show what can be done here
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/'

demo: $(VENV)/.runtime  ## Start everything on this machine, with a sandbox in place of Constant Contact
	@exec $(RUN)/relay up

# Four at a time on two cores too, since many tests wait for processes most of the time. They keep
# what they compile: else each of hundreds of processes would compile the code again.
SIDE_BY_SIDE = env -u PYTHONDONTWRITEBYTECODE $(RUN)/python -m pytest -n $(or $(PROCESSES),4) --dist worksteal

test: $(VENV)/.dev chromium nginx caddy $(RUN)/redis-server  ## Run all tests but the slow ones, or those in TESTS=path
	$(SIDE_BY_SIDE) $(or $(TESTS),-m "not slow")

test-fast: $(VENV)/.dev  ## Run the unit, web and architecture tests
	$(SIDE_BY_SIDE) -m "not slow" tests/unit tests/web tests/architecture

# Browsers and whole installations: with a fourth beside them, honest time limits run out.
test-slow: PROCESSES := $(or $(PROCESSES),3)
test-slow: $(VENV)/.dev chromium nginx caddy $(RUN)/redis-server  ## Run the slow tests, which `make test` leaves out
	$(SIDE_BY_SIDE) -m slow

chaos: $(VENV)/.dev  ## Break things at random for MINUTES=60, by SEED, and count every sign-up
	$(RUN)/python -m tests.chaos.soak.soak --minutes $(or $(MINUTES),60) $(if $(SEED),--seed $(SEED))

bench: $(VENV)/.bench  ## Measure beside peers, in the same run: all, or PART=accept
	@$(RUN)/python -m tests.bench $(PART)

pictures: $(VENV)/.dev chromium  ## Play a bad day against the sandbox, and take the pictures of the documents
	@$(RUN)/python -m tests.pictures

embed: $(VENV)/.maintain  ## Assemble and minify web/embed/*.js, after a change to one of them
	@$(RUN)/python -m tests.support.embed_build

spam-table: $(VENV)/.dev  ## Measure what screening catches, and write it into docs
	@$(RUN)/python -m tests.spam

check: $(VENV)/.dev  ## Lint, types and import rules
	$(RUN)/ruff check $(CHECKED)
	$(RUN)/ruff format --check $(CHECKED)
	$(RUN)/mypy
	$(RUN)/lint-imports

format: $(VENV)/.dev  ## Format the code
	$(RUN)/ruff check --fix $(CHECKED)
	$(RUN)/ruff format $(CHECKED)

texts: $(VENV)/.dev  ## Bring the catalogues of visitors' texts up to date with the code (web/translations)
	@new=$$(mktemp) && trap "rm -f $$new" EXIT \
	&& $(RUN)/pybabel -q extract --project signup-relay --version "" --mapping-file pyproject.toml \
	  --keyword lazy_gettext --keyword lazy_ngettext:1,2 --add-comments Translators: --strip-comments \
	  --add-location file --sort-by-file --output-file $$new . \
	&& $(if $(LANGUAGE),$(RUN)/pybabel -q init --input-file $$new --output-dir web/translations --locale $(LANGUAGE) &&) \
	$(RUN)/pybabel -q update --input-file $$new --output-dir web/translations --width 100 \
	  --no-fuzzy-matching --ignore-obsolete --ignore-pot-creation-date

lock: $(VENV)/.maintain  ## Pin all packages anew from pyproject.toml
	for set in "requirements.txt" "requirements-dev.txt --extra dev" \
	    "requirements-bench.txt --extra bench" "requirements-maintain.txt --extra maintain" \
	    "requirements-build.txt --all-build-deps --only-build-deps"; do \
	  $(RUN)/pip-compile --quiet --upgrade --generate-hashes --strip-extras --allow-unsafe --no-header \
	    --no-emit-index-url --no-emit-find-links --no-emit-trusted-host -o $$set pyproject.toml; \
	done

advisories: $(VENV)/.maintain  ## Ask PyPI for known vulnerabilities of the pinned packages
	@$(RUN)/python .ci/advisories.py requirements.txt requirements-build.txt

sbom: $(VENV)/.maintain  ## Write sbom.json, the bill of materials of what runs in production (CycloneDX)
	@$(RUN)/cyclonedx-py requirements --pyproject pyproject.toml --short-PURLs --output-reproducible \
	  --output-file sbom.json requirements.txt

clean:  ## Remove what `make` made (not the data in .relay)
	rm -rf $(VENV) *.egg-info .mypy_cache .ruff_cache .pytest_cache

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "signup-relay needs Python 3.11 or newer; say which with: make PYTHON=python3.11 ..."; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.runtime: requirements.txt requirements-build.txt pyproject.toml | $(VENV)/bin/python
	$(RUN)/python -m pip install --quiet --require-hashes -r requirements.txt -r requirements-build.txt
	$(RUN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: requirements-dev.txt $(VENV)/.runtime
	$(RUN)/python -m pip install --quiet --require-hashes -r requirements-dev.txt
	@touch $@

# The peers that `make bench` compares with.
$(VENV)/.bench: requirements-bench.txt $(VENV)/.dev
	$(RUN)/python -m pip install --quiet --require-hashes -r requirements-bench.txt
	@touch $@

$(VENV)/.maintain: requirements-maintain.txt $(VENV)/.runtime
	$(RUN)/python -m pip install --quiet --require-hashes -r requirements-maintain.txt
	@touch $@

# The browser tests drive a real Chromium. Where it is missing, Debian's package is installed.
chromium:
	@command -v chromium >/dev/null || { \
	  echo "installing chromium for the browser tests"; \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium >/dev/null; }

# Web is tried behind a real nginx, which the tests start themselves. Outside of a container, Debian's
# package starts its own too, on port 80: `systemctl disable --now nginx` ends that.
nginx:
	@[ -x /usr/sbin/nginx ] || { \
	  echo "installing nginx for the tests behind a proxy"; \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
	    --no-install-recommends nginx >/dev/null; }

# And behind a real Caddy. Its package starts a service on port 80, too: `systemctl disable --now caddy`.
caddy:
	@command -v caddy >/dev/null || { \
	  echo "installing caddy for the tests behind a proxy"; \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
	    --no-install-recommends caddy >/dev/null; }

# The scripts are tried on Redis, too. Debian's redis-tools has the server under another name and,
# unlike the package redis-server, starts no service.
$(RUN)/redis-server: | $(VENV)/bin/python
	@{ command -v redis-server || command -v redis-check-rdb; } >/dev/null || { \
	  echo "installing redis-tools for the tests on Redis"; \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
	    --no-install-recommends redis-tools >/dev/null; }
	@ln -sf "$$(command -v redis-server || command -v redis-check-rdb)" $@
