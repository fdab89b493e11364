"""Conditionals, loops, and calls of subgraphs."""

from tutor.evaluate.operations.registry import Call, Results, Value, operation


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
    while True:
        goes_on, *carried = call.runner.run(condition, carried)
        if not goes_on:
            return tuple(carried)
        carried = call.runner.run(body, carried)


@operation("call")
def call_subgraph(call: Call, *arguments: Value) -> Results:
    """Runs another graph of the module."""
    prefix = call.operation.attributes.get("prefix", "")
    return tuple(call.runner.call(str(call["callee"]).removeprefix("@"), arguments, str(prefix)))
