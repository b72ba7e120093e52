# Hearth. `make` alone prints this list.

B := .venv/bin
UV ?= uv
COMPILE = $(UV) pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--no-emit-find-links --no-header --no-annotate

INPUTS ?= 10000000
SOAK ?= 3600
KILLS ?= 500
REKEYS ?= 200
STEP ?= 1
BREAK ?=
export VERSION FRESH
# Where it is set, every process that a test starts compiles all modules anew: half of what a start costs.
unexport PYTHONDONTWRITEBYTECODE
HQ_SECONDS ?= 180
CUTS ?= 100

.PHONY: help run test lint format bench load soak fuzz browsers fault kill disk hq interop test-units image bundle try-image image-reproducible image-pi test-image-pi test-image test-power setup lock freeze clean

help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1\t\2/p' Makefile | expand -t 24

run:  ## install what is missing, start a demo clinic on this machine; Ctrl-C ends it
	@.ci/setup run
	@exec $(B)/hearth up --demo

test:  ## install what is missing, then every check and every test
	@.ci/setup test
	@cd appliance/webclient && PATH="$(CURDIR)/$(B):$$PATH" && { npm --silent run check && npm --silent test; } >"$(CURDIR)/.venv/node.log" 2>&1 & \
		node=$$!; $(MAKE) --no-print-directory lint || { kill $$node; exit 1; }; \
		wait $$node || { cat .venv/node.log; exit 1; }
	@$(B)/pytest --ignore=tests/browser --numprocesses=4 --dist=worksteal
	@$(B)/pytest tests/browser --numprocesses=2 --dist=worksteal

lint:  ## format check, lint, types, borders between packages
	@$(B)/ruff format --check --quiet . || { echo 'not formatted: run `make format`'; exit 1; }
	@$(B)/ruff check --quiet .
	@$(B)/mypy --no-error-summary
	@$(B)/lint-imports --no-logo >.venv/imports.log || { cat .venv/imports.log; exit 1; }

format:  ## format the code and mend what the linter can
	@$(B)/ruff check --quiet --fix-only .
	@$(B)/ruff format --quiet .

bench:  ## figures of this machine: store, relay, sealed records, joining in a browser
	@.ci/setup test
	@$(B)/hearth bench store
	@$(B)/hearth bench relay
	@$(B)/python -m tests.load.sync_figures
	@$(B)/hearth bench join
	@$(B)/python -m tests.load.first_page

load:  ## three rooms of 12 on a relay with the processor share of a Raspberry Pi 4 (needs root, 3 minutes)
	@.ci/setup test
	@$(B)/python -m tests.load.rooms

soak:  ## an hour of joins and leaves with the relay's memory sampled; SOAK=300 for five minutes
	@.ci/setup test
	@$(B)/python -m tests.load.soak --seconds $(SOAK)

fuzz:  ## random inputs for every parser, INPUTS=10000000 each (about an hour)
	@.ci/setup test
	@$(B)/python -m tests.fuzz --inputs $(INPUTS)

browsers:  ## all browser tests, also those that `make test` runs in one browser alone, and the console's longer ones (13 minutes)
	@.ci/setup test
	@$(B)/pytest -m browser tests/browser --numprocesses=2 --dist=worksteal
	@$(B)/pytest -m again tests/console --numprocesses=2

fault:  ## browsers over a bad line, a relay that dies, a page asleep (slow, needs root)
	@.ci/setup test
	@$(B)/pytest -m fault -s tests/fault

kill:  ## SIGKILL 500 times under load, 200 times in a rekey: what confirmed is lost, how soon it is open; KILLS=50 REKEYS=20
	@.ci/setup test
	@$(B)/python -m tests.fault.kill_store --kills $(KILLS)
	@HEARTH_REKEY_KILLS=$(REKEYS) HEARTH_RESTORE_EVERY=1 $(B)/pytest -s tests/fault/test_rekey_killed.py tests/fault/test_restore_killed.py
	@HEARTH_EVERY_STEP=1 $(B)/pytest tests/fault/test_packs_kill.py tests/fault/test_outbox_kill.py

disk:  ## a disk that fails at every call, and power cuts behind every call (3 minutes; needs cc); STEP=20 for some of them
	@.ci/setup test
	@$(B)/python -m tests.fault.bad_disk --step $(STEP)

hq:  ## kill -9 of headquarters' servers and of their store under load; HQ_SECONDS=180 (needs postgresql)
	@.ci/setup test
	@$(B)/python -m tests.fault.kill_hq --seconds $(HQ_SECONDS)
	@HEARTH_EVERY_STEP=1 $(B)/pytest tests/contract/test_hq_open.py

interop:  ## GStreamer's WebRTC in a room with Chromium (needs Debian packages, see tests/README.md)
	@.ci/setup test
	@$(B)/pytest -m interop -s tests/interop

test-units:  ## the root of the image in a container: what starts, what comes back, what hangs (three minutes; needs root, `make image`; HEARTH_UNITS=here for the units of this folder)
	@.ci/setup test
	@.ci/setup vm
	@$(B)/pytest -n0 -m units tests/units

image:  ## the image for a PC or a virtual machine, and its update bundle, into image/out (needs root; 3 minutes, later 1)
	@.ci/setup image
	@$(B)/python -m image make

bundle:  ## that update bundle alone; VERSION=0.7.1 for another number, BREAK=portal for a release that must be rolled back
	@.ci/setup image
	@$(B)/python -m image bundle --break "$(BREAK)"

try-image:  ## that image in a virtual machine, its console in this terminal, its portal on https://localhost:8443
	@.ci/setup vm
	@$(B)/python -m image try

image-reproducible:  ## the image's contents built twice, the second time from nothing: the same, or what differs (5 minutes)
	@.ci/setup image
	@$(B)/python -m image again

image-pi:  ## the image for a Raspberry Pi 4 or 5, into image/out (needs root; 12 minutes, later 2)
	@.ci/setup pi
	@$(B)/python -m image make --target arm64

test-image-pi:  ## that image in a virtual machine for its processor, to the portal answering (10 minutes)
	@.ci/setup test
	@.ci/setup pi
	@$(B)/pytest -m image -s -n0 tests/image/test_arm64.py

test-image:  ## a box's image in a virtual machine: set up, a session, updates, the search of its disk (an hour; see tests/image)
	@.ci/setup test
	@.ci/setup vm
	@$(B)/pytest -m image -s -n0 tests/image --ignore=tests/image/test_arm64.py

test-power:  ## power cuts on a disk that loses what was not flushed, CUTS=100 a way of writing; then starts and updates of the image
	@.ci/setup test
	@.ci/setup vm
	@$(B)/python -m tests.image.power --cuts $(CUTS)
	@$(B)/python -m tests.image.starts
	@$(B)/python -m tests.image.cut_updates

setup:  ## install what is missing for running and testing
	@.ci/setup test

lock:  ## resolve the lock files anew (needs uv)
	$(COMPILE) pyproject.toml --group build -o requirements.lock
	$(COMPILE) pyproject.toml --group build --group hq -o requirements-hq.lock
	$(COMPILE) pyproject.toml --group dev -o requirements-dev.lock
	$(COMPILE) --group pyproject.toml:node -o requirements-node.lock

freeze:  ## a migration is ready to land: note its digest, write schema.sql
	@$(B)/python -m appliance.store.freeze

clean:  ## remove what was installed or made here; the clinic in var/ stays
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	rm -rf appliance/webclient/node_modules appliance/portal/static/room appliance/paper/fonts tests/out
	find appliance/portal/locale tui/locale -name '*.mo' -delete
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
