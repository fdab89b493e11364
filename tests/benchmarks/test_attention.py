"""The benchmark of attention shows and draws every contender."""

from benchmarks.attention import CONTENDERS, KINDS, LENGTHS, tables


def test_the_benchmark_shows_and_draws_every_contender():
    from book.plots.lab import draw_attention_cost
    from book.plots.svg import to_svg

    rows = [
        {"contender": contender, "seq_len": seq_len, "seconds": seq_len * (1 + place) / 1e6, "megabytes": seq_len / 9}
        for place, contender in enumerate(CONTENDERS)
        for seq_len in LENGTHS
    ]
    assert [table.row_count for table in tables(rows)] == [len(LENGTHS)] * 4
    for kind in KINDS:
        drawn = to_svg("attention_cost", lambda kind=kind: draw_attention_cost(rows, kind))
        assert kind in drawn and "8,192" in drawn and "nan" not in drawn.lower()
