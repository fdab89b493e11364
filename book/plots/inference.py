"""Generation with a cache, and a batch of padded prompts."""

from book.captures import run_file
from book.paths import EXAMPLES
from book.plots.grid import Grid
from book.plots.parts import BOLD, paper, say
from book.plots.svg import Picture


def draw_cache() -> Picture:
    """Which tokens each run reads, without a cache and with one."""
    prompt, new = 3, 5
    columns = prompt + new - 1  # the last new token is not read
    figure, axes = paper(420, 560)
    totals = []
    for top, title, cached in ((14, "Without a cache", False), (262, "With a cache", True)):
        say(axes, 8, top, title, **BOLD)
        grid = Grid(axes, 76, top + 44, 36, 30)
        right = grid.x + columns * grid.width + 14
        say(axes, grid.x - 10, grid.y - 13, "position", ha="right")
        for column in range(columns):
            say(axes, grid.middle(0, column)[0], grid.y - 13, str(column), ha="center")
        say(axes, right, grid.y - 13, "read")
        total = 0
        for run in range(new):
            end = prompt + run
            begin = end - 1 if cached and run else 0
            for column in range(end):
                is_read = column >= begin
                grid.cell(run, column, "●" if is_read else "○", opacity=0.45 if is_read else 0)
            say(axes, grid.x - 10, grid.middle(run, 0)[1], f"run {run + 1}", ha="right")
            say(axes, right, grid.middle(run, 0)[1], str(end - begin))
            total += end - begin
        say(axes, right, grid.middle(new, 0)[1], f"total {total}", **BOLD)
        totals.append(total)
    legend = Grid(axes, 76, 494, 36, 30)
    for row, (sign, opacity, words) in enumerate(
        (("●", 0.45, "the model reads this token"), ("○", 0, "its keys and values are in the cache"))
    ):
        legend.cell(row, 0, sign, opacity=opacity)
        say(axes, legend.x + 48, legend.middle(row, 0)[1], words)
    return Picture(
        figure,
        "What each run of the model reads",
        f"A prompt of {prompt} tokens and {new} new ones, one for each run. Without a cache, run 1 reads {prompt} "
        f"tokens, and every later run reads all tokens so far, one more each time: {totals[0]} in all. With a cache, "
        "run 1 reads the prompt, and every later run reads only the one new token, because the keys and values of "
        f"the tokens before it are in the cache: {totals[1]} in all.",
    )


def draw_padding() -> Picture:
    """The batch of chapter 17's example: ids, positions, and the mask of one row."""
    names = run_file(EXAMPLES / "step_17.py")[1]
    ids, starts, positions, visible = (names[name] for name in ("ids", "starts", "positions", "visible"))
    batch, columns = ids.shape
    row = 2
    figure, axes = paper(420, 580)

    def panel(top: int, title: str, rows: int) -> Grid:
        say(axes, 8, top, title, **BOLD)
        grid = Grid(axes, 84, top + 44, 50, 30)
        say(axes, grid.x - 10, grid.y - 13, "column", ha="right")
        for column in range(columns):
            say(axes, grid.middle(0, column)[0], grid.y - 13, str(column), ha="center")
        return grid

    for top, title, table in ((14, "The tokens", ids), (194, "Their positions", positions)):
        grid = panel(top, title, batch)
        for index in range(batch):
            say(axes, grid.x - 10, grid.middle(index, 0)[1], f"row {index}", ha="right")
            for column in range(columns):
                real = column >= starts[index]
                grid.cell(index, column, str(table[index, column]) if real else "–", opacity=0.45 if real else 0)
            if table is ids:
                say(axes, grid.x + columns * 50 + 12, grid.middle(index, 0)[1], f"start {starts[index]}")
    grid = panel(374, f"Who sees whom in row {row}", columns)
    for query in range(columns):
        say(axes, grid.x - 10, grid.middle(query, 0)[1], f"query {query}", ha="right")
        for key in range(columns):
            seen = visible[row, query, key]
            grid.cell(query, key, "0" if seen else "−10³⁰", opacity=0.45 if seen else 0, size=13 if seen else 12)
        if query < starts[row]:
            say(axes, grid.x + columns * 50 + 12, grid.middle(query, 0)[1], "padding")
    return Picture(
        figure,
        "Three prompts of different lengths in one batch",
        f"Three prompts of {', '.join(str(columns - start) for start in starts)} tokens in {columns} columns, padded "
        f"on the left: they start in columns {', '.join(map(str, starts))}, and all end in the last column. The "
        f"first real token of each row has position 0. The mask of row {row} has a row for each query and a column "
        f"for each key: 0 from column {starts[row]} up to the query itself, −10³⁰ elsewhere; the queries of the "
        "padding see nothing.",
    )
