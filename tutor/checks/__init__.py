"""The checks, one module a step: each defines `CHECK`. `tutor/checking/spec.py` says what a check is made of."""
