"""Step 15 with mistakes."""

from functools import partial

from tests.wrong_files.wrong_file import wrong_file

wrong = partial(wrong_file, 15)

WRONG_FILES = (
    wrong(
        "transpose all four kinds in CONV1D",
        ("        if name.endswith(CONV1D):\n", "        if array.shape != shapes[name]:\n"),
    ),
    wrong("`attn.c_attn.bias` is a real bias", ('(".attn.bias", ".attn.masked_bias")', '("attn.bias", "c_attn.bias")')),
    wrong(
        "a parameter that two keys set raises an error",
        ("        if name in weights:\n", "        if name in shapes and False:\n"),
    ),
    wrong(
        "Do not copy: give both names the same array",
        ('= weights["transformer.wte.weight"]', '= weights["transformer.wte.weight"].copy()'),
    ),
    wrong("the model needs", ("array = array.T", "pass")),
    wrong("`array.T` is a view: the numbers stay in", ("np.ascontiguousarray(array)", "array")),
    wrong(
        "None for a key that has none",
        (
            'if key.endswith((".attn.bias", ".attn.masked_bias")) or key == "lm_head.weight":',
            'if key.endswith((".attn.bias", ".attn.masked_bias")):',
        ),
    ),
    wrong(
        "None for a key that has none",
        (
            'if key.endswith((".attn.bias", ".attn.masked_bias")) or key == "lm_head.weight":',
            'if key.endswith((".bias", ".masked_bias")) or key == "lm_head.weight":',
        ),
    ),
    wrong(
        "None for a key that has none",
        ('return key if key.startswith("transformer.") else f"transformer.{key}"', 'return f"transformer.{key}"'),
    ),
    wrong(
        "None for a key that has none",
        ('return key if key.startswith("transformer.") else f"transformer.{key}"', "return key"),
    ),
    wrong(
        "Ask",
        (
            "for field in fields(GPT2Config) if field.name in settings}",
            "for field in fields(GPT2Config) if settings.get(field.name)}",
        ),
    ),
    wrong(
        "KeyError: 'activation_function'", ("if settings.get(name, value) != value:", "if settings.get(name) != value:")
    ),
    wrong(
        "Compare the shape, after the transpose, with the",
        ("if array.shape != shapes[name]:", "if array.size != np.prod(shapes[name]):"),
    ),
    wrong(
        "Before you store an array, look whether its",
        ('            raise ValueError(f"{key}: {name} is set twice")\n', "            continue\n"),
    ),
    wrong(
        "After the loop, look for names in",
        ('            raise ValueError(f"the checkpoint has no tensor for {name}")\n', "            pass\n"),
    ),
    wrong(
        "Call",
        ('TensorType(DType.int64, ("batch", "seq_len"), device)', 'TensorType(DType.int64, (1, "seq_len"), device)'),
    ),
    wrong(
        "the model has no parameter None",
        (("        if name is None:\n            continue\n"), ""),
    ),
)
