# The tasks of pixi.toml without pixi. Each target first builds .venv if pyproject.toml is newer.
#   make s02                          check step 02
#   make s02 ARGS=--solutions         options of the command
#   make learn                        a screen that checks your file at each save
#   make hint STEP=02                 likewise diff, reset, show, graph, watch
#   make generate PROMPT="ROMEO:"     text from the course's model
#   make attention PROMPT="ROMEO:"    which tokens of a text look at which
#   make train ARGS="--data my.txt --output my-model"   a GPT-2 trained on your text
#   make evaluate ARGS="my.txt --model my-model"   how well a model predicts a text
#   make refresh-book ARGS="--chapter step_08"   what one chapter of the book shows

PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
STEPS := $(patsubst steps/step_%.py,s%,$(sort $(wildcard steps/step_*.py)))
PROMPT ?= ROMEO:
# The prompt reaches the tool as it was typed, whatever it holds: neither make nor the shell reads it.
export TUTOR_PROMPT := $(value PROMPT)

.DEFAULT_GOAL := help
.PHONY: help $(STEPS) learn hint diff reset show graph watch progress verify generate attention doctor warm test book \
	build-book refresh-book \
	notebook bench bench-feedback bench-lines bench-length bench-attention agreement mutants corpus train evaluate

help:
	@sed -n 's/^#   //p' Makefile
	@echo "also: progress, verify, doctor, warm, test, book, build-book, refresh-book, notebook,"
	@echo "      bench, bench-feedback, bench-lines, bench-length, bench-attention, agreement, mutants, corpus"

$(STEPS): $(VENV)/installed
	@$(RUN) -m tutor $@ $(ARGS)

hint diff reset show graph watch: $(VENV)/installed
	@$(RUN) -m tutor $@ $(STEP) $(ARGS)

learn progress verify doctor warm train evaluate: $(VENV)/installed
	@$(RUN) -m tutor $@ $(ARGS)

generate attention: $(VENV)/installed
	@$(RUN) -m tutor $@ "$$TUTOR_PROMPT" $(ARGS)

test: $(VENV)/installed-test
	@$(RUN) -m pytest $(ARGS)

book: $(VENV)/installed-book
	@$(RUN) -m book serve $(ARGS)

build-book: $(VENV)/installed-book
	@$(RUN) -m book build $(ARGS)

# The recording of a session needs a terminal emulator, which comes with what the tests need.
refresh-book: $(VENV)/installed-test
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

# Every solution with one change at a time: no check may pass by luck.
mutants: $(VENV)/installed-test
	@$(RUN) -m tests.mutants $(ARGS)

# What the verdicts say of all wrong and right files of the tests.
corpus: $(VENV)/installed-test
	@$(RUN) -m tests.corpus $(ARGS)

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
