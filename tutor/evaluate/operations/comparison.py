"""Comparisons, logic, and the choice between two values."""

import numpy as np

from tutor.evaluate.operations.registry import elementwise

elementwise("equal", np.equal)
elementwise("not_equal", np.not_equal)
elementwise("greater", np.greater)
elementwise("greater_equal", np.greater_equal)
elementwise("and", np.logical_and)
elementwise("or", np.logical_or)
elementwise("xor", np.logical_xor)
elementwise("not", np.logical_not)
elementwise("is_nan", np.isnan)
elementwise("is_inf", np.isinf)
elementwise("select", np.where)
