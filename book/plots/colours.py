"""The colours that the figures are drawn in: placeholders, which become CSS variables (`theme/figures.css`)."""

# Placeholder colours, and what replaces them. The colour after the comma is for a page without `figures.css`.
TEXT, INK, SOFT, HEAT, PAGE = "#0a0b01", "#0a0b02", "#0a0b03", "#0a0b04", "#0a0b05"
FIRST, SECOND, THIRD, FOURTH = "#0a0b11", "#0a0b12", "#0a0b13", "#0a0b14"
VARIABLES = {
    TEXT: "var(--fg, #333)",
    INK: "var(--figure-ink, #000)",
    SOFT: "var(--figure-soft, #e0e8f1)",
    HEAT: "var(--figure-heat, #3d80c6)",
    PAGE: "var(--bg, #fff)",
    FIRST: "var(--figure-1, #1d5fa6)",
    SECOND: "var(--figure-2, #a34400)",
    THIRD: "var(--figure-3, #1a6b45)",
    FOURTH: "var(--figure-4, #84389a)",
}

# Thin lines that may be faint: axes, grids, the edges of cells.
AXIS, GRID, EDGE = (TEXT, 0.6), (TEXT, 0.15), (TEXT, 0.35)
