"""How the learner types a command: with pixi where pixi runs the tool, else with make."""

import os


def own_generation() -> str:
    """The words to type to let the learner's own model write."""
    if "PIXI_PROJECT_ROOT" in os.environ:
        return "pixi run generate ROMEO: --from steps"
    return 'make generate ARGS="--from steps"'


def own_attention() -> str:
    """The words to type to look at the weights of the learner's own model."""
    if "PIXI_PROJECT_ROOT" in os.environ:
        return 'pixi run attention "To be, or not to be" --from steps'
    return 'make attention PROMPT="To be, or not to be" ARGS="--from steps"'


def resumed_training(folder: object) -> str:
    """The words to type to let training go on where it was stopped."""
    if "PIXI_PROJECT_ROOT" in os.environ:
        return f"pixi run train --output {folder} --resume"
    return f'make train ARGS="--output {folder} --resume"'


def typed(command: str, argument: str = "") -> str:
    """The words to type for a command of the tool: "make hint STEP=08", "pixi run hint 08"."""
    if "PIXI_PROJECT_ROOT" in os.environ:
        return f"pixi run {command} {argument}".strip()
    name = "PROMPT" if command in ("generate", "attention") else "STEP"
    return f"make {command} {name}={argument}" if argument else f"make {command}"


def reinstall() -> str:
    """The words to type to install the course's packages again."""
    if "PIXI_PROJECT_ROOT" in os.environ:
        return "rm -r .pixi; pixi install"
    return "rm -r .venv; make doctor"
