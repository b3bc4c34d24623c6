"""A report of result files: Markdown, plots as SVG and PNG, and one page that holds everything."""

import base64
import html
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from faceage_benchmarks import plots
from faceage_benchmarks.grid import html_grid, markdown_grid
from faceage_benchmarks.merged import merge
from faceage_benchmarks.sections import Section, sections_of
from faceage_edge.atomic import write_text
from faceage_edge.errors import OutputError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["write_report"]

Named = Sequence[tuple[str, Mapping[str, Any]]]
_TITLE = "faceage: measurements"
_NOTE = (
    "95 % intervals in brackets. Every figure can be computed again from the raw samples in the "
    "files named below. No sample was dropped; samples of two models never share a row."
)
_ALTERNATIVES = {
    "latency-against-error": "milliseconds against years of error, a point for each model",
    "latency-distribution": "share of runs done by each time, a line for each model",
    "error-by-age": "mean absolute error by band of true age, a line for each file",
}
_STYLE = """\
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 0 auto; padding: 1rem; }
.wide { overflow-x: auto; margin: 1rem 0; }
table { border-collapse: collapse; font-size: .875rem; font-variant-numeric: tabular-nums; }
th, td { border: 1px solid #8886; padding: .3rem .6rem; text-align: left; vertical-align: top; }
td { min-width: 6rem; overflow-wrap: anywhere; }
thead th { background: #8882; }
tbody th { font-weight: 600; min-width: 10rem; }
img { width: 100%; min-width: 34rem; max-width: 52rem; background: #fff; display: block; }
"""


def write_report(results: Named, out: Path) -> list[Path]:
    """Write `report.md`, `report.html` and the plots.

    Args:
        results: title and result, of any kinds and machines.
        out: folder; made if it is not there.

    Returns:
        The files written.

    Raises:
        OutputError: the folder cannot be made or a file not be written.
        MissingExtraError: Matplotlib is not installed.
    """
    rows = merge(results)
    drawn = {
        "latency-against-error": plots.latency_against_error(rows),
        "latency-distribution": plots.latency_distribution(rows),
        "error-by-age": plots.error_by_age(results),
    }
    figures = {name: figure for name, figure in drawn.items() if figure is not None}
    sections = sections_of(results, rows)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make the folder {out}: {error.strerror}") from error
    written = []
    for name, figure in figures.items():
        plots.write_plot(figure, out / name)
        written += [out / f"{name}.svg", out / f"{name}.png"]
    write_text(out / "report.md", _markdown(sections, set(figures)))
    write_text(out / "report.html", _page(sections, figures))
    return [*written, out / "report.md", out / "report.html"]


def _markdown(sections: Sequence[Section], drawn: set[str]) -> str:
    parts = [f"# {_TITLE}\n", f"{_NOTE}\n"]
    for section in sections:
        parts.append(f"## {section.title}\n")
        parts += [f"{section.words}\n"] if section.words else []
        parts.append(markdown_grid(section.grid))
        parts += [
            f"![{_ALTERNATIVES[name]}]({name}.svg)\n" for name in section.plots if name in drawn
        ]
    return "\n".join(parts)


def _page(sections: Sequence[Section], figures: Mapping[str, "Figure"]) -> str:
    parts = [f"<h1>{_TITLE}</h1>", f"<p>{html.escape(_NOTE)}</p>"]
    for section in sections:
        parts.append(f"<h2>{html.escape(section.title)}</h2>")
        parts += [f"<p>{html.escape(section.words)}</p>"] if section.words else []
        parts.append(f'<div class="wide">{html_grid(section.grid)}</div>')
        parts += [_image(name, figures[name]) for name in section.plots if name in figures]
    body = "\n".join(parts)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{_TITLE}</title>\n<style>\n{_STYLE}</style>\n</head>\n"
        f"<body>\n{body}\n</body>\n</html>\n"
    )


def _image(name: str, figure: "Figure") -> str:
    # As a picture of its own, so that ids in two plots cannot meet.
    data = base64.b64encode(plots.as_svg(figure)).decode("ascii")
    image = f'<img alt="{_ALTERNATIVES[name]}" src="data:image/svg+xml;base64,{data}">'
    return f'<div class="wide">{image}</div>'
