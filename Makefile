# Everything a person needs to call. It needs nothing but Python 3.11, make and git; what else it needs it fetches on
# first use, as a user without rights, into this checkout.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: accessibility help run hosts demo test test-slow check bench chaos soak fuzz coverage settings sdk staff-token assets lock clean
.DELETE_ON_ERROR:

STAMP := .venv/.stamp
# Nothing to install without a package.json: what pages load, and that with what their tests need.
ASSETS := $(if $(wildcard package.json),node_modules/.assets)
TOOLS := $(if $(wildcard package.json),node_modules/.stamp)
PY := .venv/bin/python

help: ## show this
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

run: $(STAMP) $(ASSETS) ## the whole product on this machine (WELNO_PORT, WELNO_HOME; Ctrl-C ends it)
	@exec $(PY) -m dev.local.run --end-with-parent

hosts: $(STAMP) $(ASSETS) ## a small data centre on this machine, whose hosts can be cut, slowed, killed, healed (docs/hosts.md)
	@exec $(PY) -m dev.hosts up --end-with-parent $(ARGS)

demo: $(STAMP) $(ASSETS) ## a patient's day through the demo hospital, one line per step (ARGS=--backup)
	@$(PY) -m dev.demo $(ARGS)

test: $(STAMP) $(TOOLS) ## the tests, against real servers that they start, in a real Chromium (ARGS="-k word")
	@dev/scripts/find-chromium --install >/dev/null || echo "going on without: the tests of the pages are skipped" >&2
	@dev/scripts/run-tests -n auto --no-loadscope-reorder -m "not slow" $(ARGS)

test-slow: $(STAMP) $(TOOLS) ## the other tests: processes killed, networks cut, each fault in turn, Firefox, the benchmarks
	@dev/scripts/find-chromium --install >/dev/null || echo "going on without: the tests of the pages are skipped" >&2
	@dev/scripts/run-tests -n auto --no-loadscope-reorder -m slow $(ARGS)

check: $(STAMP) ## format, lint, types, guard tests
	@echo "ruff: format and lint"
	@$(PY) -m ruff format --check .
	@$(PY) -m ruff check .
	@echo "mypy: types (the first time a minute)"
	@$(PY) -m mypy
	@echo "guard tests: architecture, names, documents"
	@dev/scripts/run-tests -q tests/unit/guards

bench: $(STAMP) ## all benchmarks that need no browser, at small sizes
	@$(PY) -m dev.bench

chaos: $(STAMP) ## kill everything again and again, then count what was lost or doubled (KILLS, SEED)
	@$(PY) -m dev.bench.chaos $(if $(KILLS),--kills $(KILLS)) $(if $(SEED),--seed $(SEED)) $(ARGS)

soak: $(STAMP) ## sockets for an hour at random cuts: is every event delivered exactly once (ARGS="--sockets 500")
	@$(PY) -m dev.bench.soak $(ARGS)

fuzz: $(STAMP) $(TOOLS) ## the tests of which `make test` does a share, whole: invented calls, two hundred cuts of the network
	@dev/scripts/find-chromium --install >/dev/null || echo "going on without: the tests of the pages are skipped" >&2
	@dev/scripts/run-tests -m repeated --full --timeout 1800 $(ARGS)

EXAMINED := tests/end_to_end/browser/test_accessibility.py tests/integration/static/journey/test_accessibility.py \
    tests/integration/webapp/interviews/pages/test_accessibility.py tests/end_to_end/browser/test_threads.py \
    tests/end_to_end/browser/test_shl.py tests/end_to_end/browser/test_staff.py tests/end_to_end/browser/test_threads_links.py
accessibility: $(STAMP) $(TOOLS) ## examine each state of each page, and write docs/accessibility.md anew
	@dev/scripts/find-chromium --install >/dev/null
	@dev/scripts/run-tests -q -n0 -k accessible --accessibility-table docs/accessibility.md $(EXAMINED)

coverage: $(STAMP) $(TOOLS) ## how much of the journey its tests run, by module; fails at 95 % of lines or of branches, or less
	@$(PY) -m dev.journey_coverage $(ARGS)

settings: $(STAMP) ## write docs/settings.md and docs/errors.md anew
	@$(PY) -m core.settings > docs/settings.md
	@$(PY) -m webapp.error_reference > docs/errors.md

staff-token: $(STAMP) ## a token for the staff's endpoints of the demo that runs
	@$(PY) -m dev.local.within $(PY) -m webapp.staff_token $(or $(ARGS),--name demo)

sdk: $(STAMP) ## the SDK as an npm package, with types (in .cache/npm)
	@dev/scripts/pack-sdk .cache/npm

assets: $(ASSETS) ## the page's libraries, from npm

lock: ## pin Python's dependencies anew, with hashes (needs uv)
	uv pip compile --universal --generate-hashes --no-emit-index-url --python-version 3.11 --all-extras \
	    -o dev/requirements/lock.txt pyproject.toml

clean: ## remove what make has made; the demo's data in .welno stay
	rm -rf .venv node_modules .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(STAMP): dev/requirements/lock.txt
	@dev/scripts/make-venv
	@touch $@

NPM_CI := dev/scripts/with-node npm ci --ignore-scripts --no-audit --no-fund --loglevel=error

node_modules/.assets: package.json package-lock.json $(STAMP)
	@echo "installing the page's libraries from npm"
	@$(NPM_CI) --omit=dev
	@touch $@

# npm begins with an empty folder each time, and these hold the others.
node_modules/.stamp: package.json package-lock.json $(STAMP)
	@echo "installing the page's libraries, and what their tests need, from npm"
	@$(NPM_CI)
	@touch node_modules/.assets $@
