"""What several tests use and is no test itself. Fixtures are in the `conftest.py` files."""
