"""The checks, one module a step: each defines `CHECK`. See `tutor/check.py` for what it is made of."""
