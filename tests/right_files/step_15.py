"""Step 15 in other styles."""

from functools import partial

from tests.right_files.right_file import right_file

right = partial(right_file, 15)

RIGHT_FILES = (
    right(
        "removeprefix",
        (
            'return key if key.startswith("transformer.") else f"transformer.{key}"',
            'return "transformer." + key.removeprefix("transformer.")',
        ),
    ),
    right(
        "sets of names",
        (
            (
                "    for name in shapes:\n"
                "        if name not in weights:\n"
                '            raise ValueError(f"the checkpoint has no tensor for {name}")\n'
            ),
            (
                "    if missing := shapes.keys() - weights.keys():\n"
                '        raise ValueError(f"the checkpoint has no tensors for {sorted(missing)}")\n'
            ),
        ),
    ),
    right("a copy in order", ("weights[name] = np.ascontiguousarray(array)", 'weights[name] = array.copy(order="C")')),
    right(
        "settings by their items",
        (
            "        if settings.get(name, value) != value:\n",
            "        if name in settings and settings[name] != value:\n",
        ),
    ),
)
