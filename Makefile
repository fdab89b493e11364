# The tasks of pixi.toml without pixi. Each target first builds .venv if pyproject.toml is newer.
#   make s02                          check step 02
#   make s02 ARGS=--solutions         options of the command
#   make hint STEP=02                 likewise diff, reset, show, graph
#   make generate PROMPT="ROMEO:"     text from the course's model
#   make attention PROMPT="ROMEO:"    which tokens of a text look at which
#   make refresh-book ARGS="--chapter step_08"   what one chapter of the book shows

PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
STEPS := $(patsubst steps/step_%.py,s%,$(sort $(wildcard steps/step_*.py)))
PROMPT ?= ROMEO:
# The prompt reaches the tool as it was typed, whatever it holds: neither make nor the shell reads it.
export TUTOR_PROMPT := $(value PROMPT)

.DEFAULT_GOAL := help
.PHONY: help $(STEPS) hint diff reset show graph progress generate attention doctor warm test book build-book refresh-book \
	notebook bench bench-feedback bench-lines bench-length bench-attention agreement train

help:
	@sed -n 's/^#   //p' Makefile
	@echo "also: progress, doctor, warm, test, book, build-book, refresh-book, notebook,"
	@echo "      bench, bench-feedback, bench-lines, bench-length, bench-attention, agreement, train"

$(STEPS): $(VENV)/installed
	@$(RUN) -m tutor $@ $(ARGS)

hint diff reset show graph: $(VENV)/installed
	@$(RUN) -m tutor $@ $(STEP) $(ARGS)

progress doctor warm: $(VENV)/installed
	@$(RUN) -m tutor $@ $(ARGS)

generate attention: $(VENV)/installed
	@$(RUN) -m tutor $@ "$$TUTOR_PROMPT" $(ARGS)

test: $(VENV)/installed-test
	@$(RUN) -m pytest $(ARGS)

book: $(VENV)/installed-book
	@$(RUN) -m book serve $(ARGS)

build-book: $(VENV)/installed-book
	@$(RUN) -m book build $(ARGS)

refresh-book: $(VENV)/installed-book
	@$(RUN) -m book refresh $(ARGS)

notebook: $(VENV)/installed-notebook
	@$(RUN) -m book notebook $(ARGS)

bench: $(VENV)/installed-test
	@$(RUN) -m benchmarks.speed $(ARGS)

bench-feedback: $(VENV)/installed-test
	@$(RUN) -m benchmarks.feedback $(ARGS)

bench-lines: $(VENV)/installed-test
	@$(RUN) -m benchmarks.blamed_lines $(ARGS)

bench-length: $(VENV)/installed
	@$(RUN) -m benchmarks.length $(ARGS)

# Beside PyTorch's attention, which comes with what the tests need.
bench-attention: $(VENV)/installed-test
	@$(RUN) -m benchmarks.attention $(ARGS)

# The evaluator beside MAX's compiler, on every graph of the course.
agreement: $(VENV)/installed-test
	@$(RUN) -m tests.agreement $(ARGS)

train: $(VENV)/installed-test
	@$(RUN) checkpoints/train.py $(ARGS)

# Python's own pip may be too old to resolve MAX's dependencies, so it is brought up to date first.
$(VENV)/installed: pyproject.toml
	@echo "building $(VENV) (a few minutes, once)"
	@$(PYTHON) -m venv $(VENV)
	@$(RUN) -m pip install --quiet --upgrade pip
	@$(RUN) -m pip install --quiet --editable .
	@touch $@

$(VENV)/installed-book: pyproject.toml $(VENV)/installed
	@echo "adding what builds the book"
	@$(RUN) -m pip install --quiet --editable ".[book]"
	@touch $@

$(VENV)/installed-notebook: pyproject.toml $(VENV)/installed-book
	@echo "adding what opens the notebook"
	@$(RUN) -m pip install --quiet --editable ".[book,notebook]"
	@touch $@

$(VENV)/installed-test: pyproject.toml $(VENV)/installed
	@echo "adding what the tests need"
	@$(RUN) -m pip install --quiet --editable ".[book,notebook,test]"
	@touch $@
