"""Step 00 in other styles."""

from functools import partial

from tests.right_files.right_file import right_file

right = partial(right_file, 0)

RIGHT_FILES = (
    right(
        "exponentials one by one",
        (
            (
                "    exponentials = [math.exp(score - largest) for score in scores]\n"
                "    total = sum(exponentials)\n"
                "    return [exponential / total for exponential in exponentials]"
            ),
            (
                "    total, exponentials = 0.0, []\n"
                "    for score in scores:\n"
                "        exponentials.append(math.exp(score - largest))\n"
                "        total += exponentials[-1]\n"
                "    return list(map(lambda e: e / total, exponentials))"
            ),
        ),
    ),
    right(
        "the scale on the query",
        (
            "    scores = [scale * sum(q * k for q, k in zip(query, key)) for key in keys]",
            ("    query = [scale * q for q in query]\n    scores = multiply(keys, query)"),
        ),
    ),
    right(
        "columns of the values",
        (
            ("return [sum(w * value[i] for w, value in zip(weights, values)) for i in range(len(query))]"),
            "return [sum(w * v for w, v in zip(weights, column)) for column in zip(*values)]",
        ),
    ),
    right(
        "a head at a time",
        (
            (
                "    outputs = []\n"
                "    for x in xs:\n"
                "        query, key, value = multiply(wq, x), multiply(wk, x), multiply(wv, x)\n"
                "        output = []\n"
                "        for head, piece in enumerate(pieces):\n"
                "            keys[head].append(key[piece])\n"
                "            values[head].append(value[piece])\n"
                "            output += attend(query[piece], keys[head], values[head])\n"
                "        outputs.append(output)\n"
                "    return outputs"
            ),
            (
                "    outputs = [[] for _ in xs]\n"
                "    for head, piece in enumerate(pieces):\n"
                "        for output, x in zip(outputs, xs):\n"
                "            keys[head].append(multiply(wk[piece], x))\n"
                "            values[head].append(multiply(wv[piece], x))\n"
                "            output.extend(attend(multiply(wq[piece], x), keys[head], values[head]))\n"
                "    return outputs"
            ),
        ),
    ),
)
