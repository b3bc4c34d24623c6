"""Keep the tables of what nobody has measured yet equal to the result files that there are.

    python -m faceage_benchmarks.board_table --results FOLDER --into README.md ... [--check]

The table stands between two comments that do not show when the page is rendered; whatever stands
between them is replaced. A board of which a result file comes in leaves the table:

    <!--not-measured-->
    <!--/not-measured-->
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from faceage_benchmarks.boards import missing_boards, missing_grid
from faceage_benchmarks.errors import ResultFileError
from faceage_benchmarks.grid import Grid, markdown_grid
from faceage_benchmarks.marked import with_marked
from faceage_benchmarks.result import claims_to_be_result, read_result
from faceage_edge.atomic import write_text
from faceage_edge.command import run
from faceage_edge.errors import QualityGateError

__all__ = ["main", "with_boards"]

_PROGRAM = "faceage_benchmarks.board_table"
_MARKS = "<!--not-measured-->", "<!--/not-measured-->"


def main(argv: Sequence[str] | None = None) -> int:
    """Rewrite the pages, or with `--check` only compare: exit 3 when a table is out of date."""
    parser = argparse.ArgumentParser(prog=_PROGRAM, description="Renew what is not measured yet.")
    parser.add_argument("--results", required=True, metavar="FOLDER", help="of result files")
    parser.add_argument("--into", required=True, nargs="+", metavar="PAGE", help="Markdown files")
    parser.add_argument("--check", action="store_true", help="change nothing; exit 3 on a change")
    options = parser.parse_args(argv)
    return run(_PROGRAM, lambda: _renew(options))


def with_boards(text: str, grid: Grid, where: str) -> str:
    """Return a page's text with the table between its comments.

    Args:
        text: the page.
        grid: from boards.missing_grid.
        where: the page's name, for the message.

    Raises:
        ResultFileError: the two comments do not stand in it once each, in order.
    """
    quoted = [grid[0], *([*row[:-1], f"`{row[-1]}`"] for row in grid[1:])]
    return with_marked(text, _MARKS, markdown_grid(quoted), where=where, what="the table")


def _renew(options: argparse.Namespace) -> int:
    files = sorted(Path(options.results).glob("*.json"))
    results = [(str(file), read_result(file)) for file in files if claims_to_be_result(file)]
    grid = missing_grid(missing_boards(results))
    stale = []
    for page in map(Path, options.into):
        try:
            text = page.read_text(encoding="utf-8")
        except OSError as error:
            raise ResultFileError(f"cannot read the page {page}: {error.strerror}") from error
        renewed = with_boards(text, grid, str(page))
        if renewed == text:
            continue
        stale.append(str(page))
        if not options.check:
            write_text(page, renewed)
            print(f"renewed {page}")
    if stale and options.check:
        raise QualityGateError(
            f"the table of what is not measured in {', '.join(stale)} differs from the result "
            f"files; renew it with: python -m {_PROGRAM} --results {options.results} --into "
            f"{' '.join(stale)}"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
