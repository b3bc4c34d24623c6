"""A table as rows of cells, and how it is written: Markdown or HTML."""

import html
from collections.abc import Sequence

__all__ = ["Grid", "html_grid", "markdown_grid", "spread"]

# The header and the rows below it, all of one length.
Grid = list[list[str]]


def markdown_grid(grid: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table; what a cell may not hold is replaced."""
    lines = [[cell.replace("|", "/").replace("\n", " ") for cell in line] for line in grid]
    widths = [max(len(line[index]) for line in lines) for index in range(len(lines[0]))]
    texts = []
    for line in lines:
        cells = [cell.ljust(width) for cell, width in zip(line, widths, strict=True)]
        texts.append("| " + " | ".join(cells) + " |")
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([texts[0], rule, *texts[1:]]) + "\n"


def html_grid(grid: Sequence[Sequence[str]]) -> str:
    """Return an HTML table whose first column names its rows."""
    head = "".join(f'<th scope="col">{html.escape(cell)}</th>' for cell in grid[0])
    rows = []
    for line in grid[1:]:
        cells = "".join(f"<td>{html.escape(cell)}</td>" for cell in line[1:])
        rows.append(f'<tr><th scope="row">{html.escape(line[0])}</th>{cells}</tr>')
    body = "\n".join(rows)
    return f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>\n"


def spread(value: float, interval: Sequence[float], form: str) -> str:
    """Return a figure and its interval in one format, such as "4.9 [4.7, 5.1]"."""
    low, high = interval
    return f"{value:{form}} [{low:{form}}, {high:{form}}]"
