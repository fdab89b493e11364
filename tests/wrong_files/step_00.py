"""Step 00 with mistakes."""

from functools import partial

from tests.wrong_files.wrong_file import wrong_file

wrong = partial(wrong_file, 0)

WRONG_FILES = (
    wrong("`math.exp` of a large number overflows", ("largest = max(scores)", "largest = 0.0")),
    wrong("`math.exp` of a large number overflows", ("largest = max(scores)", "largest = scores[0]")),
    wrong(
        "`math.exp` of a large number overflows",
        ("largest = max(scores)", "largest = min(scores)"),
    ),
    wrong("Not right yet", ("return [exponential / total for exponential in exponentials]", "return exponentials")),
    wrong("Not right yet", ("total = sum(exponentials)", "total = len(exponentials)")),
    wrong("Not right yet", ("total = sum(exponentials)", "total = max(exponentials)")),
    wrong("attention without the 1/sqrt(head_dim) scale", ("scale = 1 / math.sqrt(len(query))", "scale = 1")),
    wrong(
        "attention whose scale is 1 // sqrt(head_dim), which is 0",
        ("scale = 1 / math.sqrt(len(query))", "scale = 1 // math.sqrt(len(query))"),
    ),
    wrong(
        "attention scaled by 1/head_dim, without the square root",
        ("scale = 1 / math.sqrt(len(query))", "scale = 1 / len(query)"),
    ),
    wrong(
        "attention whose scores are multiplied by sqrt(head_dim)",
        ("scale = 1 / math.sqrt(len(query))", "scale = math.sqrt(len(query))"),
    ),
    wrong(
        "attention scaled by 1/sqrt(the number of keys)",
        ("scale = 1 / math.sqrt(len(query))", "scale = 1 / math.sqrt(len(keys))"),
    ),
    wrong("No known mistake gives these numbers", ("weights = softmax(scores)", "weights = scores")),
    wrong(
        "attention that compares the query with the values",
        ("zip(query, key)) for key in keys]", "zip(query, key)) for key in values]"),
    ),
    wrong("attention that blends the keys", ("zip(weights, values)) for i", "zip(weights, keys)) for i")),
    wrong(
        "attention whose heads overlap: head h takes the entries from h up to h + head_dim",
        ("slice(head * head_dim, (head + 1) * head_dim)", "slice(head, head + head_dim)"),
    ),
    wrong(
        "attention whose heads take every n_head-th entry, with their answers joined end to end",
        ("slice(head * head_dim, (head + 1) * head_dim)", "slice(head, None, n_head)"),
    ),
    wrong("attention that makes its query, key and value with wq, wk, wk", ("multiply(wv, x)", "multiply(wk, x)")),
    wrong(
        "attention that makes its query, key and value with wq, wv, wk",
        ("multiply(wk, x), multiply(wv, x)", "multiply(wv, x), multiply(wk, x)"),
    ),
    wrong(
        "No known mistake gives these numbers", ("multiply(wq, x), multiply", "multiply(list(zip(*wq)), x), multiply")
    ),
    wrong(
        "attention that reads the weights as [in][out]",
        (
            "query, key, value = multiply(wq, x), multiply(wk, x), multiply(wv, x)",
            "query, key, value = (multiply(list(zip(*w)), x) for w in (wq, wk, wv))",
        ),
    ),
    wrong(
        "No known mistake gives these numbers",
        ("keys: list[list[Vector]] = [[] for _ in pieces]", "keys: list[list[Vector]] = [[]] * n_head"),
    ),
    wrong("No known mistake gives these numbers", ("keys[head].append(key[piece])", "keys[head] = [key[piece]]")),
    wrong("The result has the wrong shape", ("        outputs.append(output)\n", "        outputs += output\n")),
    wrong("The result has the wrong shape", ("output += attend(", "output = attend(")),
)
