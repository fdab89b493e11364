"""What can go wrong when a graph is evaluated."""

from collections.abc import Sequence


class EvaluationError(Exception):
    """The graph cannot be computed with these inputs; MAX would stop as well."""


class EvaluationLimitError(EvaluationError):
    """More operations ran than are allowed: most likely a loop that never ends."""


class UnknownOperationError(Exception):
    """The graph holds operations that the evaluator does not know.

    Args:
        names: the operations, each once, in alphabetical order.
    """

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(f"the evaluator does not know {', '.join(names)}")
        self.names = tuple(names)
