"""The introduction: what a verdict looks like."""

from book.captures import Capture

CAPTURES = {"no_scale": Capture("s08", replace=((" / math.sqrt(head_dim)", ""),), step=8)}
