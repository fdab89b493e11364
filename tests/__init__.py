"""The tests. They need `torch` and `transformers`; none needs the network or a GPU."""
