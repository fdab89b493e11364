"""Comparisons, logic, and the choice between two values."""

import numpy as np

from tutor.graphs.evaluate.operations.registry import elementwise

elementwise("equal", np.equal)
# With NaN every comparison is False in MAX, this one too.
elementwise("not_equal", lambda left, right: (left < right) | (left > right))
elementwise("greater", np.greater)
elementwise("greater_equal", np.greater_equal)
elementwise("and", np.logical_and)
elementwise("or", np.logical_or)
elementwise("xor", np.logical_xor)
elementwise("not", np.logical_not)
elementwise("is_nan", np.isnan)
elementwise("is_inf", np.isinf)
elementwise("select", np.where)
