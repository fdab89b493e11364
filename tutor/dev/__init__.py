"""For maintainers: `python -m tutor.dev`. Adds a step to the course, and says what is missing or out of date.

Nothing imports this package but its command line and the tests. It reads the book as well as the tool, and neither
compiles a graph nor imports torch.
"""
