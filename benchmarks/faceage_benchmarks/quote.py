"""Keep the numbers that Markdown files quote equal to the result files they come from.

    python -m faceage_benchmarks.quote [--check] README.md docs/results.md ...

A quoted number stands between two comments that do not show when the page is rendered:

    <!--q benchmarks/results/accuracy.json mae .2f-->4.93<!--/q-->

file, key (dots descend, whole numbers index lists, `*100` or `/1000` scale) and Python format.
Paths are relative to the folder the command runs in, the checkout's top.
"""

import argparse
import json
import re
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from faceage_benchmarks.errors import ResultFileError
from faceage_edge.atomic import write_text
from faceage_edge.command import run
from faceage_edge.errors import QualityGateError

__all__ = ["main", "quoted"]

_QUOTE = re.compile(r"<!--q (\S+) (\S+) (\S+?)-->(.*?)<!--/q-->")
_KEY = re.compile(r"(?P<path>[^*/]+)(?:(?P<sign>[*/])(?P<factor>[0-9.]+))?")


def main(argv: Sequence[str] | None = None) -> int:
    """Rewrite the files, or with `--check` only compare: exit 3 when a number is out of date."""
    parser = argparse.ArgumentParser(
        prog="faceage_benchmarks.quote", description="Renew the numbers that Markdown files quote."
    )
    parser.add_argument("--check", action="store_true", help="change nothing; exit 3 on a change")
    parser.add_argument("files", nargs="+", type=Path)
    options = parser.parse_args(argv)
    return run("faceage_benchmarks.quote", lambda: _renew(options.files, options.check))


def _renew(files: Sequence[Path], check: bool) -> int:
    stale = []
    for file in files:
        text = file.read_text(encoding="utf-8")
        renewed = quoted(text, str(file))
        if renewed == text:
            continue
        stale.append(str(file))
        if not check:
            write_text(file, renewed)
            print(f"renewed {file}")
    if stale and check:
        raise QualityGateError(
            f"numbers in {', '.join(stale)} differ from their result files; renew them with: "
            f"python -m faceage_benchmarks.quote {' '.join(stale)}"
        )
    return 0


def quoted(text: str, where: str) -> str:
    """Fill in every quoted number of a text.

    Args:
        text: Markdown with quote comments.
        where: its name, for messages.

    Returns:
        The text with the numbers as the result files have them now.

    Raises:
        ResultFileError: a result file or a key in it is missing.
    """

    def filled(match: re.Match[str]) -> str:
        file, key, form, _ = match.groups()
        return f"<!--q {file} {key} {form}-->{_number(file, key, form, where)}<!--/q-->"

    return _QUOTE.sub(filled, text)


def _number(file: str, key: str, form: str, where: str) -> str:
    parts = _KEY.fullmatch(key)
    if parts is None:
        raise ResultFileError(f"{where}: {key!r} is no key; expected e.g. mae_ci95.0 or rate*100")
    value = _document(file)
    for step in parts["path"].split("."):
        try:
            value = value[int(step)] if isinstance(value, list) else value[step]
        except (KeyError, IndexError, ValueError, TypeError) as error:
            raise ResultFileError(f"{where} quotes {key!r} of {file}, which has none") from error
    if parts["sign"] is not None:
        factor = float(parts["factor"])
        value = value * factor if parts["sign"] == "*" else value / factor
    try:
        return format(value, form) if form != "s" else str(value)
    except (TypeError, ValueError) as error:
        raise ResultFileError(f"{where}: {value!r} cannot be shown as {form!r}") from error


@cache
def _document(file: str) -> Any:
    try:
        return json.loads(Path(file).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ResultFileError(
            f"cannot read the result file {file} ({error}); write it with benchmarks/release.py"
        ) from error


if __name__ == "__main__":
    sys.exit(main())
