"""Expectations that several checks share."""

from tutor.checking.spec import Expectation


def is_graph_operation(step: int, name: str) -> Expectation:
    """Whether the function is decorated with `@F.functional`: then it carries the operation that it wraps."""
    return Expectation(
        f"{name} is decorated with @F.functional",
        lambda code, executables: hasattr(getattr(code[step], name), "graph_op"),
        True,
        advice="Write @F.functional on the line above `def`: then its operations run as one graph.",
    )
