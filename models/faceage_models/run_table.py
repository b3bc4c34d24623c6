"""Write the table of training runs in models/README.md from the runs' own records.

    python -m faceage_models.run_table [--check]

`models/runs/NAME.json` is the train.json that `faceage-train` left; a field "lesson" may be added
by hand: what the run taught, in words.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from faceage_edge.atomic import write_text
from faceage_edge.command import run
from faceage_edge.errors import FaceageError

__all__ = ["main", "table"]

_BEGIN, _END = "<!--runs-->", "<!--/runs-->"
_HEAD = (
    "| run | network | from | learns from | faces | epochs of batch | rate | "
    "best validation MAE, years | what it taught |"
)


def table(runs: Sequence[tuple[str, dict[str, Any]]]) -> str:
    """The table in Markdown.

    Args:
        runs: name and record of each.
    """
    lines = [_HEAD, "|" + "---|" * (_HEAD.count("|") - 1)]
    for name, record in runs:
        options, best = record["options"], record["best"]
        done, wanted = len(record["epochs"]), options["epochs"] + options["head_epochs"]
        epochs = f"{done}" if done >= wanted else f"{done} of {wanted}"
        cells = [
            name,
            f"{options['backbone']} {options['alpha']:g}, {options['size']} px, {options['head']}",
            options["start"] or "random weights",
            _lesson_source(options),
            f"{record['faces']['training']:,}",
            f"{epochs}{_shorter(options)} × {options['batch']}{_rounded(options)}",
            f"{options['rate']:g}",
            f"{best['mae']:.3f} (epoch {best['epoch'] + 1})",
            record.get("lesson", ""),
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _shorter(options: dict[str, Any]) -> str:
    """Of epochs that are not once through the faces, their batches."""
    steps = options.get("epoch_steps")
    return f" × {steps:,} batches" if steps else ""


def _rounded(options: dict[str, Any]) -> str:
    """Of products that were not float32, what they were; early records do not say."""
    precision = options.get("precision", "float32")
    return "" if precision == "float32" else f" in {precision}"


def _lesson_source(options: dict[str, Any]) -> str:
    taught = ", ".join(options.get("teacher") or []) or options.get("teacher_answers")
    how = " once a face" if options.get("teacher_once") else ""
    rounded = ", with the rounding of int8" if options.get("qat") else ""
    learnt = f"labels, {options['teacher_share']:g} of {taught}{how}" if taught else "labels"
    return learnt + rounded


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line.

    Returns:
        0 done, 1 the table is out of date (with --check) or cannot be written.
    """
    parser = argparse.ArgumentParser(prog="python -m faceage_models.run_table")
    parser.add_argument("--models", type=Path, default=Path("models"))
    parser.add_argument(
        "--check", action="store_true", help="change nothing, fail where it differs"
    )
    options = parser.parse_args(argv)
    return run("faceage_models.run_table", lambda: _renew(options.models, check=options.check))


def _renew(models: Path, *, check: bool) -> int:
    page = models / "README.md"
    before = page.read_text(encoding="utf-8")
    if before.count(_BEGIN) != 1 or before.count(_END) != 1:
        raise FaceageError(f"{page} has no place for the table: expected {_BEGIN} and {_END}")
    runs = [
        (path.stem, json.loads(path.read_text(encoding="utf-8")))
        for path in sorted((models / "runs").glob("*.json"))
    ]
    head, rest = before.split(_BEGIN)
    after = f"{head}{_BEGIN}\n{table(runs)}\n{_END}{rest.split(_END)[1]}"
    if after == before:
        return 0
    if check:
        raise FaceageError(f"{page} is out of date: run python -m faceage_models.run_table")
    write_text(page, after)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
