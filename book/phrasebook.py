"""The phrasebook as the book shows it: `{{phrasebook}}`, tables made of the data that the verdicts use."""

from tutor.checking.phrasebook import KEYWORDS, SECTIONS, Pair


def phrasebook() -> str:
    """The pairs under their headings, and the keyword arguments, as Markdown."""
    parts = [
        "\n".join(
            [f"## {section.heading}", "", *_table("PyTorch or NumPy", "MAX", [_row(pair) for pair in section.pairs])]
        )
        for section in SECTIONS
    ]
    rows = [
        (
            f"`{keyword.theirs}=`",
            " or ".join(f"`{name}=`" for name in keyword.ours) or "leave it out",
            _sentence(keyword.note),
        )
        for keyword in KEYWORDS
    ]
    parts.append("\n".join(["## Keyword arguments", "", *_table("PyTorch or NumPy", "MAX", rows)]))
    return "\n\n".join(parts)


def _row(pair: Pair) -> tuple[str, str, str]:
    return _code(pair.theirs), _code(pair.ours), pair.note


def _table(theirs: str, ours: str, rows: list[tuple[str, str, str]]) -> list[str]:
    return [f"| {theirs} | {ours} | |", "|---|---|---|", *(f"| {' | '.join(row)} |" for row in rows)]


def _code(expression: str) -> str:
    return f"`{expression.replace('|', chr(92) + '|')}`"


def _sentence(note: str) -> str:
    return f"{note[0].upper()}{note[1:]}." if note else ""
