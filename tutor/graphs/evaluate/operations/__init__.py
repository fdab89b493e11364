"""What each operation means: a function of arrays for each name.

A function takes the `Call` and the operands, and gives the result, or a tuple of results; `None` stands for a chain.
Results need not have the right dtype: the evaluator rounds them to that of their type. Importing this package
registers all operations.
"""

from tutor.graphs.evaluate.operations import (  # noqa: F401 - importing them registers their operations
    arithmetic,
    buffers,
    comparison,
    control_flow,
    images,
    indexing,
    layers,
    reductions,
    shapes,
)
