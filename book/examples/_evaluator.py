"""Chapter 08: an evaluator of graphs, in its smallest form."""

# ANCHOR: example
import numpy as np

# Three lines of the graph above: what is made, by which operation, and of what.
graph = [
    ("%5", "div", ["%3", "%4"]),
    ("%12", "add", ["%5", "%11"]),
    ("%13", "softmax", ["%12"]),
]


def softmax(scores: np.ndarray) -> np.ndarray:
    exponentials = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


meanings = {"div": np.divide, "add": np.add, "softmax": softmax}

products = np.array([[2, 0, 2], [0, 2, 2], [2, 2, 4]])
mask = np.where(np.tri(3) == 1, 0, -np.inf)
values = {"%3": products, "%4": 2.0, "%11": mask}

for result, operation, operands in graph:
    values[result] = meanings[operation](*[values[name] for name in operands])
    print(f"{result} = {operation}({', '.join(operands)})")
    print(np.round(values[result], 2))
# ANCHOR_END: example
