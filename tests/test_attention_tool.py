"""`attention`: the weights are Hugging Face's, habits are found where they were planted, pictures can be read."""

import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import torch
from bs4 import BeautifulSoup
from PIL import Image
from playwright.sync_api import Browser
from rich.cells import cell_len
from tokenizers import Tokenizer, models
from torch.utils.flop_counter import FlopCounterMode
from transformers import GPT2LMHeadModel

from book.captures import run_file
from book.paths import EXAMPLES
from tests.browser import assert_accessible, open_page
from tests.conftest import Tool
from tests.wrong_files import RETURN
from tutor.attention_maps import pictures, terminal_map
from tutor.attention_maps.head_patterns import find_habits
from tutor.attention_maps.terminal_map import HeatMap
from tutor.attention_maps.weights import Reader, open_reader, trace_weights
from tutor.checking import random_numbers, stored_numbers
from tutor.checking.loader import StepModules
from tutor.checks.step_19 import MASKED, MODULE, with_mask
from tutor.errors import CourseError
from tutor.generation.checkpoint import open_checkpoint
from tutor.generation.tokens import token_text, visible_token
from tutor.graphs.compile_cache import CompileCache
from tutor.graphs.devices import find_device
from tutor.graphs.tensor_spec import TensorSpec
from tutor.graphs.trace import trace
from tutor.learner.workspace import REPOSITORY, Workspace, cache_folder
from tutor.oracle.pytorch import call_pytorch, line_by_line, pytorch_module

COURSE = Workspace(REPOSITORY)
TEXT = "JULIET:\nGood morrow, my lord.\n\nROMEO:\nGood morrow, my lady. Is it the nurse?\n"
N_LAYER, N_HEAD = 4, 6


@pytest.fixture
def reader() -> Reader:
    return open_reader(open_checkpoint(COURSE.checkpoint), COURSE, own_steps=False)


def weights_of(reader: Reader, text: str) -> tuple[list[int], np.ndarray]:
    ids = reader.encode(text)
    return ids, reader.weights(ids, device="auto", cache_folder=cache_folder(), on_compile=lambda count: None)


def some_weights(count: int, seed: int = 0) -> np.ndarray:
    """Random weights of one head: rows sum to 1, nothing above the diagonal."""
    table = np.tril(np.random.default_rng(seed).random((count, count)) ** 6 + 0.2 * np.eye(count))
    return (table / table.sum(axis=-1, keepdims=True)).astype(np.float32)


# --- the numbers ------------------------------------------------------------------------------


@pytest.mark.parametrize("text", [TEXT, "A", TEXT * 5], ids=["a scene", "one token", "a long text"])
def test_weights_are_hugging_faces_in_every_layer_and_head(reader: Reader, text: str, compiled: None):
    ids, weights = weights_of(reader, text)
    model = GPT2LMHeadModel.from_pretrained(COURSE.checkpoint, local_files_only=True, attn_implementation="eager")
    with torch.no_grad():
        live = model.eval()(torch.tensor([ids]), output_attentions=True).attentions
    assert weights.shape == (N_LAYER, N_HEAD, len(ids), len(ids)) and len(live) == N_LAYER
    for layer in range(N_LAYER):
        np.testing.assert_allclose(weights[layer], live[layer][0].numpy(), rtol=0, atol=1e-5)
    assert not weights[..., np.triu_indices(len(ids), 1)[0], np.triu_indices(len(ids), 1)[1]].any(), "hidden means 0"
    np.testing.assert_allclose(weights.sum(axis=-1), 1, atol=1e-5)


def test_the_first_tokens_look_the_same_without_the_rest(reader: Reader, compiled: None):
    """So a map that is cut is the map of the shorter text."""
    ids, whole = weights_of(reader, TEXT)
    part = reader.weights(ids[:9], device="auto", cache_folder=cache_folder(), on_compile=lambda count: None)
    np.testing.assert_allclose(part, whole[..., :9, :9], rtol=0, atol=1e-6)


def test_the_learners_own_step_19_makes_the_graph(filled: Workspace):
    config = open_reader(open_checkpoint(COURSE.checkpoint), filled, own_steps=True).config
    own, device = range(20), find_device("auto")
    right = trace_weights(StepModules(filled, own=own), config, device).fingerprint
    assert right == trace_weights(StepModules(COURSE, own=[]), config, device).fingerprint
    text = filled.step(19).read_text()
    assert text.count(" / math.sqrt(int(query.shape[-1]))") == 1
    filled.step(19).write_text(text.replace(" / math.sqrt(int(query.shape[-1]))", ""))
    assert right != trace_weights(StepModules(filled, own=own), config, device).fingerprint


def test_the_value_may_be_narrower_than_the_key_in_every_rank(compiled: None):
    """Where there are heads, MAX 26.7.0 on CPU gets softmax(scores) @ value wrong; the solution must not."""
    attention, device = StepModules(COURSE, own=[])[19].scaled_dot_product_attention, find_device("auto")
    rng, traced, arrays = np.random.default_rng(0), [], []
    for sizes in ((), (2,), (2, 3)):
        shapes = [(*sizes, 4, 8), (*sizes, 6, 8), (*sizes, 6, 5)]
        traced.append(trace(lambda: attention, [TensorSpec("float32", shape) for shape in shapes], device))
        arrays.append([rng.normal(size=shape).astype(np.float32) for shape in shapes])
    for executable, inputs in zip(CompileCache(cache_folder()).load(traced), arrays, strict=True):
        output, weights = executable({}, *inputs)
        live = torch.nn.functional.scaled_dot_product_attention(*map(torch.from_numpy, inputs))
        np.testing.assert_allclose(output, live.numpy(), rtol=0, atol=1e-5)
        np.testing.assert_allclose(weights @ inputs[2], output, rtol=0, atol=1e-5)


# --- beside PyTorch ---------------------------------------------------------------------------


@pytest.mark.parametrize("subject", [MODULE, MASKED], ids=lambda subject: subject.name)
def test_step_19_is_pytorchs_module_line_by_line(subject, compiled: None):
    """The book shows these lines."""
    case = next(case for case in reference_cases(subject) if case.dims["seq_len"] > 1)
    parameters, inputs = with_mask(subject, case) if "mask" in subject.inputs else random_numbers.case(subject, case)
    traced = trace(
        lambda: subject.build(StepModules(COURSE, own=[])), list(subject.inputs.values()), find_device("auto")
    )
    (executable,) = CompileCache(cache_folder()).load([traced])
    output, weights = executable(parameters, *inputs.values())

    module = pytorch_module(parameters, subject.settings["num_heads"])
    x, *mask = (torch.from_numpy(array) for array in inputs.values())
    with torch.no_grad():
        theirs, their_weights = call_pytorch(module, x.double(), *mask)
        lines, line_weights = line_by_line(module, x.double(), *mask)
        _, averaged = call_pytorch(module, x.double(), *mask, average=True)
    for got in (output, lines.numpy()):
        np.testing.assert_allclose(got, theirs.numpy(), rtol=0, atol=1e-5)
    for got in (weights, line_weights.numpy()):
        np.testing.assert_allclose(got, their_weights.numpy(), rtol=0, atol=1e-5)
    np.testing.assert_allclose(weights.mean(axis=1), averaged.numpy(), rtol=0, atol=1e-5)


def reference_cases(subject):
    from tutor.checks.step_19 import CHECK

    return [case for case in CHECK.cases if case.subject == subject.name]


def test_pytorch_counts_the_multiplications_that_chapter_19_counts():
    """Attention's four layers and its two products, and the MLP, on tensors without numbers."""
    multiply_adds = run_file(EXAMPLES / "step_19.py")[1]["multiply_adds"]
    for seq_len in (256, 1024):
        counted = multiply_adds(seq_len, 768)
        with torch.device("meta"):
            module, x = torch.nn.MultiheadAttention(768, 12, batch_first=True), torch.empty(1, seq_len, 768)
            mlp = torch.nn.Sequential(torch.nn.Linear(768, 4 * 768), torch.nn.GELU(), torch.nn.Linear(4 * 768, 768))
        with FlopCounterMode(display=False) as attention:
            line_by_line(module, x)
        with FlopCounterMode(display=False) as inner:
            mlp(x)
        assert attention.get_total_flops() == 2 * (counted["projections"] + counted["tables"])
        assert inner.get_total_flops() == 2 * counted["mlp"]


def test_the_eight_parameters_are_pytorchs():
    names = {name.replace("in_proj_", "in_proj.") for name, _ in torch.nn.MultiheadAttention(12, 3).named_parameters()}
    assert {name.partition(".")[0] for name in names} == {"in_proj", "out_proj"}
    assert sorted(MODULE.parameters) == sorted(
        f"{layer}_proj.{kind}" for layer in ("q", "k", "v", "out") for kind in ("weight", "bias")
    )
    stored = stored_numbers.load_arrays(19)
    assert sum(array.size for key, array in stored.items() if key.startswith(f"parameters/{MODULE.name}/")) == sum(
        parameter.numel() for parameter in torch.nn.MultiheadAttention(12, 3).parameters()
    )


# --- habits -----------------------------------------------------------------------------------

PREVIOUS, FIRST, SAME, INDUCTION = range(4)
# Twelve tokens, said twice, with others between: no earlier occurrence is just before or at the start.
IDS = [90, *range(12), 91, 92, *range(12), 93]


def planted(kind: int) -> np.ndarray:
    """Weights of a head that does one thing: 0.9 of its weight goes there, the rest to the token itself."""
    count = len(IDS)
    table = np.zeros((count, count))
    for query in range(count):
        earlier = [key for key in range(query) if IDS[key] == IDS[query]]
        place = {
            PREVIOUS: query - 1,
            FIRST: 0,
            SAME: earlier[0] if earlier else query,
            INDUCTION: earlier[0] + 1 if earlier else query,
        }[kind]
        table[query, max(place, 0)] += 0.9
        table[query, query] += 0.1
    return table


@pytest.mark.parametrize("kind", [PREVIOUS, FIRST, SAME, INDUCTION])
def test_a_planted_head_is_found_and_no_other(kind: int):
    even = np.tril(np.ones((len(IDS), len(IDS))))
    weights = np.tile(even / even.sum(axis=-1, keepdims=True), (2, 3, 1, 1))
    weights[1, 2] = planted(kind)
    habits = find_habits(IDS, weights)
    for index, habit in enumerate(habits):
        (layer, head, score), *others = habit.ranked
        verdicts = [habit.verdict(score) for *_, score in habit.ranked]
        if index == kind:
            assert (layer, head) == (1, 2) and score == pytest.approx(0.9)
            assert verdicts == ["yes"] + 5 * ["no"]
        else:
            assert set(verdicts) == {"no"}
        for *_, other in others[:4]:
            assert other == pytest.approx(habit.even), "heads that look at all alike have the even score"


def test_habits_are_scored_by_hand():
    """Five tokens, a b c a b: the fourth's earlier a is the first token, which does not count; the fifth's b does."""
    weights = np.zeros((1, 1, 5, 5))
    weights[0, 0] = np.tril([[1, 0, 0, 0, 0], [0.5, 0.5, 0, 0, 0], [0.2, 0.3, 0.5, 0, 0], [0.1, 0.2, 0.3, 0.4, 0],
                             [0.3, 0.1, 0.2, 0.15, 0.25]])  # fmt: skip
    previous, first, same, induction = find_habits([7, 8, 9, 7, 8], weights)
    assert previous.scores[0, 0] == pytest.approx((0.3 + 0.3 + 0.15) / 3) and previous.tokens == 3
    assert first.scores[0, 0] == pytest.approx((0.2 + 0.1 + 0.3) / 3)
    assert first.even == previous.even == pytest.approx((1 / 3 + 1 / 4 + 1 / 5) / 3)
    assert same.scores[0, 0] == pytest.approx(0.1) and (same.tokens, same.even) == (1, 1 / 5)
    # After the earlier a came b, at place 1; after the earlier b came c, at place 2.
    assert induction.scores[0, 0] == pytest.approx((0.2 + 0.2) / 2) and induction.tokens == 2


def test_summary_prints_each_habit_with_its_scores(skeletons: Workspace, tutor: Tool, compiled: None):
    result = tutor(skeletons, "attention", TEXT, "--summary")
    assert result.returncode == 0 and result.stderr == "", result.stderr
    for name in ("the previous token", "the first token", "the same token, earlier", "(induction)"):
        assert name in result.stdout
    rows = re.findall(r"(\d)\s+(\d)\s+0\.(\d\d)\s+0\.(\d\d)\s+(yes|a little|no)\b", result.stdout)
    assert len(rows) >= 12 and all(int(layer) < N_LAYER and int(head) < N_HEAD for layer, head, *_ in rows)
    once = tutor(skeletons, "attention", "ROMEO is the one", "--summary")
    assert len(re.findall(r"(?:earlier|\(induction\)) +0 *$", once.stdout, re.MULTILINE)) == 2, "no token comes twice"


# --- in the terminal --------------------------------------------------------------------------


def text_of(words: list[str], weights: np.ndarray, width: int) -> list[str]:
    return [line.plain for line in terminal_map.lines(HeatMap("a head", words, weights), width)]


def test_a_small_map_shows_every_number():
    weights = np.array([[1, 0, 0], [0.253, 0.747, 0], [0.004, 0.006, 0.99]])
    shown = text_of(["ROMEO", ":", "⏎"], weights, 80)
    assert shown[0] == "a head"
    assert [line.split() for line in shown[-4:]] == [
        ["0", "1", "2"], ["0", "ROMEO", "100"], ["1", ":", "25", "75"], ["2", "⏎", "·", "1", "99"],
    ]  # fmt: skip


@pytest.mark.parametrize("width", [40, 80, 120])
@pytest.mark.parametrize("count", [1, 2, 9, 24, 60, 100])
def test_no_line_is_wider_than_the_terminal(width: int, count: int):
    words = [("␣" + "wonderful" * (place % 3))[: place % 20 + 1] for place in range(count)]
    fits = terminal_map.fitting(words, width)
    assert fits == count or fits >= width - 20
    shown = text_of(words[:fits], some_weights(fits), width)
    table = shown[shown.index("") + 1 :]
    assert max(map(cell_len, table)) <= width
    rows = table[-fits:]
    assert len({cell_len(row) for row in rows}) == fits, "each row is longer than the last: the diagonal is straight"


def test_shades_tell_the_weight_where_numbers_do_not_fit():
    count = 40
    weights = np.zeros((count, count))
    weights[:, 0] = 1
    weights[-1, :5] = 0.76, 0.51, 0.26, 0.06, 0.01
    last = text_of(["x"] * count, weights, 60)[-1]
    assert last.split()[-1].startswith("█▓▒░·")


def test_wide_letters_keep_the_columns_straight():
    shown = text_of(["羅密歐", "é", "x" * 40], some_weights(3), 80)[-3:]
    starts = {cell_len(row) - 3 * (index + 1) for index, row in enumerate(shown)}
    assert len(starts) == 1
    assert "…" in shown[2]


def test_the_map_is_the_weights(reader: Reader, skeletons: Workspace, tutor: Tool, compiled: None):
    text = "To be, or not to be"
    ids, weights = weights_of(reader, text)
    result = tutor(skeletons, "attention", text, "--layer", "2", "--head", "1")
    assert result.returncode == 0 and result.stderr == "" and "\x1b" not in result.stdout
    assert "shakespeare, layer 2, head 1" in result.stdout
    rows = result.stdout.splitlines()[-len(ids) :]
    for query, row in enumerate(rows):
        shown = [0 if number == "·" else int(number) for number in row.split()[2:]]
        assert shown == [round(100 * float(weight)) for weight in weights[2, 1, query, : query + 1]]


def test_colours_are_for_terminals(skeletons: Workspace, tutor: Tool, compiled: None):
    words = ("attention", "To be, or not to be")
    coloured = tutor(skeletons, *words, FORCE_COLOR="1", TERM="xterm-256color").stdout
    assert "\x1b[30;43m" in coloured or "\x1b[37;44m" in coloured
    plain = tutor(skeletons, *words, FORCE_COLOR="1", NO_COLOR="1", TERM="xterm-256color").stdout
    assert not re.search(r"\x1b\[[0-9;]*[34]\d", plain)
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured).split() == tutor(skeletons, *words).stdout.split()


def test_what_does_not_fit_is_cut_and_said_so(skeletons: Workspace, tutor: Tool, compiled: None):
    result = tutor(skeletons, "attention", TEXT * 4, "--layer", "1")
    (count,) = re.findall(r"the text has (\d+) tokens; this is about the first (\d+)$", result.stderr.strip())
    assert result.returncode == 0 and result.stderr.count("\n") == 1
    assert (
        int(count[0]) > int(count[1]) == sum(bool(re.match(r" *\d+ \S", line)) for line in result.stdout.splitlines())
    )
    assert max(map(cell_len, result.stdout.splitlines())) <= 100


def test_the_default_head_tells_of_the_others(skeletons: Workspace, tutor: Tool, compiled: None):
    assert "--layer 0 to 3 and --head 0 to 5 show others" in tutor(skeletons, "attention", "A b").stdout
    assert "show others" not in tutor(skeletons, "attention", "A b", "--head", "0").stdout


# --- tokens -----------------------------------------------------------------------------------


def test_every_token_of_the_checkpoint_can_be_seen():
    tokenizer = open_checkpoint(COURSE.checkpoint).tokenizer
    for id_ in range(tokenizer.get_vocab_size()):
        shown = visible_token(token_text(tokenizer, id_))
        assert shown and shown.isprintable() and " " not in shown and "\ufffd" not in shown


@pytest.mark.parametrize(
    ("stored", "shown"),
    [("Ġbe", "␣be"), ("Ċ", "⏎"), ("ĊĊ", "⏎⏎"), ("ĉ", "⇥"), ("Ã©", "é"), ("âĢ", "<0xE280>"), ("Ā", "<0x00>"),
     ("âĢĭ", "<U+200B>"), ("ÂŃ", "<U+00AD>")],
)  # fmt: skip
def test_tokens_of_bytes_are_shown_as_what_they_are(stored: str, shown: str):
    from tokenizers.decoders import ByteLevel

    tokenizer = Tokenizer(models.WordLevel({stored: 0}, unk_token=stored))
    tokenizer.decoder = ByteLevel()
    assert visible_token(token_text(tokenizer, 0)) == shown


# --- files ------------------------------------------------------------------------------------

WORDS = ["JULIET", ":", "⏎", "<&>", '␣"lord\'s"', "<0xE2>"]


def contrast(one: str, other: str) -> float:
    """The contrast of two colours, #rrggbb, as WCAG defines it."""

    def luminance(colour: str) -> float:
        parts = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return float(np.dot(linear, (0.2126, 0.7152, 0.0722)))

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def mixed(one: str, other: str, share: float) -> str:
    pairs = [(int(one[i : i + 2], 16), int(other[i : i + 2], 16)) for i in (1, 3, 5)]
    return "#" + "".join(f"{round(share * a + (1 - share) * b):02x}" for a, b in pairs)


@pytest.mark.parametrize("scheme", [pictures.LIGHT, pictures.DARK], ids=["light", "dark"])
def test_numbers_can_be_read_on_every_heat(scheme: dict[str, str]):
    assert contrast(scheme["ink"], scheme["page"]) >= 7
    for share in np.linspace(0, 1, 21):
        assert contrast(scheme["on"], mixed(scheme["heat"], scheme["page"], share)) >= 4.5


@pytest.mark.parametrize("count", [1, 6, 24, 25, 64, 65, 128])
def test_svg_holds_every_weight_and_every_token(count: int):
    words = [WORDS[place % len(WORDS)] for place in range(count)]
    weights = some_weights(count)
    root = ElementTree.fromstring(pictures.svg(HeatMap("gpt2 & co, layer 1, head 2", words, weights)))
    svg = "{http://www.w3.org/2000/svg}"
    title, description = root.find(f"{svg}title"), root.find(f"{svg}desc")
    assert root.get("role") == "img" and root.get("aria-labelledby").split() == [title.get("id"), description.get("id")]
    assert title.text == "gpt2 & co, layer 1, head 2" and " ".join(words) in description.text
    cells = {
        (float(cell.get("x")), float(cell.get("y"))): float(cell.get("fill-opacity"))
        for cell in root.findall(f"{svg}g[@class='heat']")[1].iter(f"{svg}rect")
    }
    columns, rows = (sorted({place[axis] for place in cells}) for axis in (0, 1))
    assert len(columns) == len(rows) == count
    for (x, y), opacity in cells.items():
        assert opacity == pytest.approx(float(weights[rows.index(y), columns.index(x)]), abs=6e-4)
    assert len(cells) == (np.tril(weights) >= 0.0005).sum()
    labels = [text.text for text in root.iter(f"{svg}text")]
    assert all(labels.count(word) >= 2 for word in words), "on both sides"
    width, height = float(root.get("width")), float(root.get("height"))
    assert max(columns) < width and max(rows) < height


def test_html_is_a_table_that_needs_nothing_else():
    weights = some_weights(len(WORDS))
    content = pictures.page(HeatMap("gpt2 & co, layer 1, head 2", WORDS, weights)).decode()
    page = BeautifulSoup(content, "html.parser")
    assert page.html["lang"] == "en" and page.title.text == page.h1.text == "gpt2 & co, layer 1, head 2"
    assert not re.search(r"https?:|<script|<link|<img|@import|url\(", content), "it is whole by itself"
    rows = page.tbody.find_all("tr")
    assert [row.th.text for row in rows] == [f"{place} {word}" for place, word in enumerate(WORDS)]
    assert [cell.text for cell in page.thead.find_all("th")] == [row.th.text for row in rows]
    for query, row in enumerate(rows):
        shown = [cell.text for cell in row.find_all("td")]
        assert len(shown) == len(WORDS)
        for key, number in enumerate(shown):
            assert number == ("" if key > query else str(round(100 * float(weights[query, key]))))
    assert {row.th["scope"] for row in rows} == {"row"}


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_html_can_be_read_in_light_and_dark(browser: Browser, tmp_path: Path, dark: bool):
    file = tmp_path / "map.html"
    file.write_bytes(pictures.page(HeatMap("a head", ["␣word"] * 40, some_weights(40))))
    with open_page(browser, file.as_uri(), width=500) as page:
        page.emulate_media(color_scheme="dark" if dark else "light")
        background = page.evaluate("getComputedStyle(document.body).backgroundColor")
        expected = pictures.DARK if dark else pictures.LIGHT
        assert [int(part) for part in re.findall(r"\d+", background)] == [
            int(expected["page"][start : start + 2], 16) for start in (1, 3, 5)
        ]
        assert_accessible(page)
        # The table scrolls in its frame, not the page.
        assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0


@pytest.mark.parametrize("count", [1, 20, 100])
def test_png_is_a_picture_with_its_title(tmp_path: Path, count: int):
    file = tmp_path / "map.png"
    words = [["ROMEO", "羅密歐", "$x$", "⏎"][place % 4] for place in range(count)]
    pictures.write(file, HeatMap("a head", words, some_weights(count)), overwrite=False)
    with Image.open(file) as image:
        image.load()
        assert image.format == "PNG" and image.info["Title"] == "a head"
        assert min(image.size) > 300
        assert len(set(image.convert("RGB").resize((64, 64)).getdata())) > 5, "it is not empty"


@pytest.mark.parametrize("suffix", ["svg", "html", "png", "SVG"])
def test_the_command_writes_a_picture(suffix: str, skeletons: Workspace, tutor: Tool, compiled: None):
    file = skeletons.root / f"map.{suffix}"
    result = tutor(skeletons, "attention", "To be, or not to be", "--layer", "1", "--output", str(file))
    assert result.returncode == 0 and result.stderr == "", result.stderr
    assert f"{file} is written." in " ".join(result.stdout.split()) or file.name in result.stdout
    first = {"svg": b"<svg ", "html": b"<!doctype html>", "png": b"\x89PNG"}[suffix.lower()]
    assert file.read_bytes().startswith(first)
    assert sorted(path.name for path in skeletons.root.iterdir() if "map" in path.name or "pic" in path.name) == [
        file.name
    ], "nothing else is left behind"


def test_a_file_that_is_there_is_kept(skeletons: Workspace, tutor: Tool, compiled: None):
    file = skeletons.root / "map.svg"
    file.write_text("precious")
    refused = tutor(skeletons, "attention", "A b", "--output", str(file))
    assert refused.returncode == 1 and file.read_text() == "precious"
    assert refused.stderr == f"error: {file} is there already: give another name, or --overwrite\n"
    assert tutor(skeletons, "attention", "A b", "--output", str(file), "--overwrite").returncode == 0
    assert file.read_text().startswith("<svg ")


def test_a_picture_is_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def fail(drawn: HeatMap) -> bytes:
        raise RuntimeError("the drawing failed")

    monkeypatch.setitem(pictures.WRITERS, ".svg", fail)
    (tmp_path / "map.svg").write_text("precious")
    with pytest.raises(RuntimeError):
        pictures.write(tmp_path / "map.svg", HeatMap("a head", ["a"], np.ones((1, 1))), overwrite=True)
    assert [path.read_text() for path in tmp_path.iterdir()] == ["precious"]


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(pictures.os, "access", lambda path, mode: False)
    with pytest.raises(CourseError, match="cannot be written: give a file in another folder"):
        pictures.check(tmp_path / "map.svg", overwrite=False)
    monkeypatch.undo()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pictures.os, "replace", full)
    with pytest.raises(CourseError, match=r"map\.svg cannot be written: No space left on device"):
        pictures.write(tmp_path / "map.svg", HeatMap("a head", ["a"], np.ones((1, 1))), overwrite=False)
    assert not list(tmp_path.iterdir())


def test_a_png_without_matplotlib_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(__import__("sys").modules, "matplotlib", None)
    with pytest.raises(CourseError, match=r"make build-book.*\.svg and \.html need nothing more"):
        pictures.check(tmp_path / "map.png", overwrite=False)
    pictures.check(tmp_path / "map.svg", overwrite=False)


# --- what cannot be shown ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "status", "told"),
    [
        ([""], 1, "error: the text is empty"),
        (["A", "--layer", "4"], 1, "error: there is no layer 4: this model has layers 0 to 3"),
        (["A", "--head", "6"], 1, "error: there is no head 6: this model has heads 0 to 5"),
        (["A", "--layer", "-1"], 2, "-1 is not in the range x>=0"),
        (["A", "--head", "two"], 2, "'two' is not a valid integer range"),
        (["word " * 400], 1, "this model reads at most 256: shorten it"),
        (["A", "--summary"], 1, "error: the text is too short for a summary (1 of at least 3 tokens)"),
        (["A b c", "--summary", "--head", "1"], 2, "leave --layer, --head and --output out"),
        (["A", "--output", "map.pdf"], 1, "error: map.pdf: the end of the name says what to write"),
        (["A", "--output", "map"], 1, "must be one of .svg, .html, .png"),
        (["A", "--output", "nowhere/map.svg"], 1, "error: there is no folder nowhere: make it first"),
        (["A", "--output", "folder.svg"], 1, "error: folder.svg is a folder"),
        (["A", "--model", "./nowhere"], 1, "error: there is no folder ./nowhere"),
        (["A", "--from", "elsewhere"], 2, "'elsewhere' is not one of"),
        ([], 2, "Missing argument 'TEXT'"),
    ],
)  # fmt: skip
def test_what_cannot_be_shown(skeletons: Workspace, tutor: Tool, arguments: list[str], status: int, told: str):
    (skeletons.root / "folder.svg").mkdir()
    result = tutor(skeletons, "attention", *arguments)
    assert result.returncode == status and result.stdout == ""
    assert told in " ".join(result.stderr.replace("│", " ").split()), result.stderr
    assert "Traceback" not in result.stderr
    if status == 1:
        assert result.stderr.count("\n") == 1, "one line"


def test_an_unfilled_model_is_named(skeletons: Workspace, tutor: Tool):
    result = tutor(skeletons, "attention", "A", "--from", "steps")
    assert result.returncode == 1 and "Not filled in yet: step 01" in result.stderr


def test_an_unfilled_step_19_is_named(filled: Workspace, tutor: Tool):
    tutor(filled, "reset", "19")
    result = tutor(filled, "attention", "A", "--from", "steps")
    assert result.returncode == 1 and result.stdout == ""
    assert "Not filled in yet: step 19, task 3" in result.stderr and "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("step", "old", "new", "told"),
    [
        (19, RETURN, "return attention_weights @ value", "must return its output and its weights"),
        (19, RETURN, "return attention_weights, attention_weights @ value", "the weights have the shape"),
        (9, "_split_heads", "_cut_heads", "no attribute '_split_heads'"),
        (2, "def causal_mask", "def mask", "no attribute 'causal_mask'"),
    ],
)  # fmt: skip
def test_steps_that_cannot_be_used_are_told_without_a_traceback(
    filled: Workspace, tutor: Tool, step: int, old: str, new: str, told: str
):
    text = filled.step(step).read_text()
    assert old in text
    filled.step(step).write_text(text.replace(old, new))
    result = tutor(filled, "attention", "A b", "--from", "steps")
    assert result.returncode == 1 and result.stdout == ""
    assert told in " ".join(result.stderr.split()) and "Traceback" not in result.stderr, result.stderr


def test_the_learners_own_steps_draw_the_same_map(filled: Workspace, tutor: Tool, compiled: None):
    words = ("attention", "To be, or not to be", "--layer", "1", "--head", "3")
    own = tutor(filled, *words, "--from", "steps")
    assert own.returncode == 0 and own.stdout == tutor(filled, *words).stdout
