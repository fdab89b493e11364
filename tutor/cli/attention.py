"""The command that shows which tokens look at which: attention."""

from pathlib import Path

import click

from tutor.cli.common import DEVICE, MODEL, SOURCE, problems_told
from tutor.learner.workspace import Workspace, cache_folder
from tutor.terminal.printer import Printer, make_console
from tutor.terminal.waiting import Waiting


@click.command()
@click.argument("text")
@click.option("--layer", type=click.IntRange(min=0), metavar="L", help="Which layer; 0 if left out.")
@click.option("--head", type=click.IntRange(min=0), metavar="H", help="Which head of the layer; 0 if left out.")
@click.option("--summary", is_flag=True,
              help="Draw nothing; of all heads, list those that look at the previous token, at the first, at the same "
              "token earlier, and at what followed it (induction).")  # fmt: skip
@click.option("--output", type=click.Path(path_type=Path), metavar="FILE",
              help="Write a picture, .svg, .html or .png, in place of drawing in the terminal.")  # fmt: skip
@click.option("--overwrite", is_flag=True, help="Let --output replace a file.")
@MODEL
@SOURCE
@DEVICE
def attention(text: str, *, layer: int | None, head: int | None, summary: bool, output: Path | None, overwrite: bool,
              model: str | None, source: str, device: str) -> None:  # fmt: skip
    """Show which tokens of TEXT look at which, in any head of a GPT-2.

    The map has a row for each token: how it divides its attention between itself and the tokens before it.
    """
    if summary and not layer is head is output is None:
        raise click.UsageError("--summary looks at all heads and draws none: leave --layer, --head and --output out")
    from tutor.attention_maps import head_patterns, pictures, terminal_map
    from tutor.attention_maps.weights import open_reader
    from tutor.generation.checkpoint import open_named
    from tutor.terminal.attention_tables import AttentionPrinter

    workspace, printer, notes = Workspace.find(), AttentionPrinter(make_console()), make_console(stderr=True)
    width = printer.console.width
    if output is not None:
        pictures.check(output, overwrite=overwrite)
    with problems_told(own=source == "steps"), Waiting(notes) as waiting:
        checkpoint = open_named(model, workspace)
        reader = open_reader(checkpoint, workspace, own_steps=source == "steps")
        shown_layer, shown_head = reader.choose_head(layer, head)
        ids = reader.encode(text)
        words = reader.words(ids)
        if summary:
            most = head_patterns.check(ids)
        else:
            most = terminal_map.fitting(words, width) if output is None else pictures.MOST_TOKENS
        if len(ids) > most:
            notes.print(f"the text has {len(ids)} tokens; this is about the first {most}", highlight=False)
        weights = reader.weights(
            ids[:most],
            device=device,
            cache_folder=cache_folder(),
            on_compile=waiting.begin_model,
            on_borrowed=Printer(notes).note,
        )
    if summary:
        printer.head_patterns(head_patterns.find_head_patterns(ids[:most], weights))
        return
    title = f"{model or checkpoint.folder.name}, layer {shown_layer}, head {shown_head}"
    heat_map = terminal_map.HeatMap(title, words[:most], weights[shown_layer, shown_head])
    if output is not None:
        pictures.write(output, heat_map, overwrite=overwrite)
        printer.say(f"{output} is written.")
        return
    printer.map(terminal_map.lines(heat_map, width))
    if layer is head is None:
        printer.aside(reader.other_heads())
