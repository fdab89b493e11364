"""Conditionals, loops, and calls of subgraphs."""

from collections.abc import Sequence

from tutor.graphs.evaluate.operations.registry import Call, Results, Value, operation


@operation("chain.create")
def create_chain(call: Call, *chains: None) -> None:
    """The start of a chain: no data."""
    return None


@operation("if")
def conditional(call: Call, condition: Value) -> Results:
    """Runs one of two bodies."""
    then, otherwise = call.operation.bodies
    return tuple(call.runner.run(then if condition else otherwise, ()))


@operation("while")
def loop(call: Call, *carried: Value) -> Results:
    """Runs the second body as long as the first gives True; both take what is carried from round to round."""
    condition, body = call.operation.bodies
    values: Sequence[Value] = carried
    while True:
        goes_on, *values = call.runner.run(condition, values)
        if not goes_on:
            return tuple(values)
        values = call.runner.run(body, values)


@operation("call")
def call_subgraph(call: Call, *arguments: Value) -> Results:
    """Runs another graph of the module."""
    return tuple(call.runner.call(call.get("callee", str).removeprefix("@"), arguments, call.get("prefix", str)))
