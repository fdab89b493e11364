"""Computes a traced MAX graph with NumPy, one operation after another, without compiling it.

reader        from MAX's bytecode to plain Python data: `read_module`, a `Program`
program       what that data is made of
dimensions    sizes that are known only when there are inputs
numbers       dtypes, and how MAX rounds
operations/   what each operation means
evaluator     the walk: `evaluate`
source_lines  which lines of Python made an operation
gradients     finite differences in float64
"""
