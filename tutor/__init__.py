"""The learner's tool: `python -m tutor`."""
