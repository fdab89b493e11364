"""Chapter 25: TODO: what it computes."""

# ANCHOR: example
# TODO: a case that is small enough to follow on paper.
x = [1.0, 2.0, 3.0]
print([2 * value for value in x])
# ANCHOR_END: example

from book.captures import Capture

# TODO: the pieces of the solution that are often wrong, and what stands there then.
LINE = "return [2 * value for value in x]"
CAPTURES = {
    "not_doubled": Capture(replace=((LINE, "return x"),)),
    "too_short": Capture(replace=((LINE, "return [2 * value for value in x[1:]]"),)),
}
