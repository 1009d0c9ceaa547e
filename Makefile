# Everything that needs no ROS installation: each target sets up first what it needs (.venv, install), which takes
# no time when nothing changed. With a ROS 2 distribution, use `colcon build` instead: see README.md.

SHELL := /bin/bash
PYTHON ?= python3
# cpu: PyTorch without the CUDA libraries. Said once, it stays until `make clean`.
TORCH ?=
VERBOSE ?=

environment := . setup/env.sh
# Tests and the demo keep to this machine.
local := export ROS_AUTOMATIC_DISCOVERY_RANGE=LOCALHOST
# $(call option,--seed,$(SEED)): an option that is passed only if its variable was given
option = $(if $(2),$(1) '$(2)')

.DEFAULT_GOAL := help
.PHONY: help setup demo test fuzz lint train evaluate report bench faults stops shell-env clean

help:  ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo
	@echo 'TORCH=cpu chooses a PyTorch without CUDA, PYTHON=python3.12 another Python, VERBOSE=1 shows all that pip says.'

setup:  ## make .venv with ROS 2 from wheels, build the messages into install
	@$(PYTHON) setup/environment.py --torch '$(TORCH)' $(if $(VERBOSE),--verbose)

demo: setup  ## track a simulated user through ROS topics; RECORDING=folder SECONDS=20 SEED=0
	@$(environment) && $(local) && python -m inpose_ros demo $(call option,--recording,$(RECORDING)) $(call option,--seconds,$(SECONDS)) $(call option,--seed,$(SEED))

test: setup  ## run the tests; TESTS=test/unit for some of them
	@$(environment) && $(local) && $(if $(TESTS),python -m pytest $(TESTS),setup/run_tests.sh)

fuzz: setup  ## feed 20,000 streams of nonsense to all between a message and the window; STREAMS=1000 for so many
	@$(environment) && $(local) && INPOSE_FUZZ=$(or $(STREAMS),20000) python -m pytest test/unit/sensing/test_any_reading.py test/node/test_any_message.py

lint: setup  ## check the style with ruff
	@$(environment) && ruff check .

train: setup  ## train a prior; DATA=folder ARGS='...'
	@$(environment) && python -m inpose_ros train $(call option,--data,$(DATA)) $(ARGS)

evaluate: setup  ## score methods on recordings; DATA=folder ARGS='--split test --report FILE.json'
	@$(environment) && python -m inpose_ros evaluate $(call option,--data,$(DATA)) $(ARGS)

report: setup  ## measure all targets, write docs/results.md; DATA=folder ARGS='--frames-main 1200'
	@$(environment) && python -m inpose_ros report $(call option,--data,$(DATA)) $(ARGS)

bench: setup  ## measure what a pose costs and how late it comes, with nothing else running; ARGS='--device cuda --report FILE.json'
	@$(environment) && $(local) && python -m inpose_ros bench --doc docs/performance.md $(ARGS)

faults: setup  ## let sensors fail in every known way, check what consumers are told; KINDS=nan,freeze SOAK=minutes SEED=0
	@$(environment) && $(local) && python -m inpose_ros faults $(call option,--kinds,$(KINDS)) $(call option,--soak,$(SOAK)) $(call option,--seed,$(SEED)) $(if $(KINDS),,--doc docs/reliability.md) $(ARGS)

stops: setup  ## end the node and the player at random times of their start, 200 and 500 times: 40 minutes; ARGS='--jobs 2'
	@$(environment) && $(local) && python -m inpose_ros stops --number 200 $(ARGS) && python -m inpose_ros stops --executable inpose_play --number 500 $(ARGS)

shell-env: setup  ## say how to enter the environment
	@echo '. $(CURDIR)/setup/env.sh'

clean:  ## remove all that the set-up made
	rm -rf .venv build install log setup/.lock
