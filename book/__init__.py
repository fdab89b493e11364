"""The book's tools: `python -m book --help`. The text is in `src/`."""
