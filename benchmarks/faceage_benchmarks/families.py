"""The table of published age models: what each was published with, and what it became here.

    python -m faceage_benchmarks.families --bundles DIR ... --results FILE ... \
        --json FILE --into docs/families.md

A bundle is a folder that `faceage-convert` wrote. What was measured of a model is in the result of
`faceage-benchmark accuracy --model INT8 --against FLOAT`, else in its int8 file's contract: the
error of float and int8 on the same labelled crops. Instructions come from results of
`faceage-benchmark arm INT8 ...`, or of its `--peer NAME=FILE`, where there is one. `--keep` leaves
the rows of other models in the file as they are.
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from faceage_benchmarks.family_rows import PUBLISHED, camera_loop, family_row, guesses
from faceage_benchmarks.result import read_result
from faceage_edge.atomic import write_text
from faceage_edge.command import run
from faceage_edge.errors import FaceageError

__all__ = ["family_table", "main", "with_kept"]

_BEGIN, _END = "<!--families-->", "<!--/families-->"
_HEAD = (
    "| system | published | one answer for all | ours, float | ours, int8 | Δ (95 %) | int8 size | "
    "instructions A76 / A72 |"
)
_NOTHING = "not measured"


def with_kept(rows: Sequence[dict[str, Any]], earlier: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Put new rows among earlier ones.

    Args:
        rows: of `family_row`.
        earlier: the result file as it was.

    Returns:
        Those of both in the order of `PUBLISHED`, others behind; a new row takes the place of the
        earlier one of its name, and keeps instructions and loop of the very same model.
    """
    found = {row["name"]: row for row in earlier.get("families", ())}
    for row in rows:
        before = found.get(row["name"])
        if before is not None and before["model_digest"] == row["model_digest"]:
            if not any(row["instructions"].values()):
                row = row | {"instructions": before["instructions"]}
            if "loop" in before:
                row = {"loop": before["loop"]} | row
        found[row["name"]] = row
    order = [*PUBLISHED, *sorted(set(found) - set(PUBLISHED))]
    return [found[name] for name in order if name in found]


def family_table(rows: Sequence[Mapping[str, Any]], sets: Sequence[Mapping[str, Any]] = ()) -> str:
    """The rows as Markdown; `sets` are those of `guesses`."""
    lines = [_HEAD, "|" + "---|" * (_HEAD.count("|") - 1)]
    for row in rows:
        counts = [row["instructions"][key] for key in ("cortex-a76", "cortex-a72")]
        millions = " / ".join(f"{count / 1e6:.1f} M" for count in counts if count is not None)
        cells = [
            row["system"],
            row["published"],
            _guess(row, sets),
            _figures(row, "float"),
            _figures(row, "int8"),
            _delta(row),
            f"{row['int8_bytes'] / 1e6:.2f} MB",
            millions or _NOTHING,
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _guess(row: Mapping[str, Any], sets: Sequence[Mapping[str, Any]]) -> str:
    own = [one for one in sets if (one["set"], one["n"]) == (row["set"], row["n"])]
    years = _years(own[0]["mae_median"] if own else None) + _gender(row, "majority")
    if "groups" not in row:
        return years
    return f"{_percent(row['groups']['int8']['majority'])}; {years}"


def _figures(row: Mapping[str, Any], scheme: str) -> str:
    years = _years(row[f"mae_{scheme}"]) + _gender(row, scheme)
    if "groups" not in row:
        return years
    return f"{_percent(row['groups'][scheme]['accuracy'])}; {years}"


def _gender(row: Mapping[str, Any], which: str) -> str:
    return f"; gender {_percent(row['gender'][which])}" if "gender" in row else ""


def _delta(row: Mapping[str, Any]) -> str:
    if row["delta_mae"] is None:
        return _NOTHING
    low, high = row["delta_mae_ci95"]
    years = f"{row['delta_mae']:+.3f} ({low:+.3f} to {high:+.3f})"
    if "groups" not in row:
        return years
    change, (low, high) = (row["groups"][f"delta_accuracy{end}"] for end in ("", "_ci95"))
    return f"{change * 100:+.2f} points ({low * 100:+.2f} to {high * 100:+.2f}); {years}"


def _percent(share: float) -> str:
    return f"{share * 100:.1f} %"


def _years(value: float | None) -> str:
    return _NOTHING if value is None else f"{value:.2f}"


def _into(page: Path, table: str) -> None:
    try:
        text = page.read_text(encoding="utf-8")
        before, rest = text.split(_BEGIN, 1)
        _, after = rest.split(_END, 1)
    except (OSError, ValueError) as error:
        raise FaceageError(
            f"{page} cannot be read or has no place for the table; expected {_BEGIN} and {_END}"
        ) from error
    write_text(page, f"{before}{_BEGIN}\n{table}\n{_END}{after}")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the table goes to stdout too.

    Returns:
        0 done, 1 our error, 2 usage.
    """
    options = _options(argv)

    def body() -> int:
        document = _document(options)
        write_text(options.json, json.dumps(document, indent=1) + "\n")
        table = family_table(document["families"], document["sets"])
        if options.into:
            _into(options.into, table)
        print(table)
        return 0

    return run("faceage_benchmarks.families", body)


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m faceage_benchmarks.families")
    add = parser.add_argument
    add("--bundles", type=Path, nargs="+", default=[], metavar="DIR", help="of faceage-convert")
    add(
        "--results", type=Path, nargs="+", default=[], metavar="FILE",
        help="of faceage-benchmark accuracy, each of a bundle's int8 model against its float file",
    )  # fmt: skip
    add(
        "--arm", type=Path, nargs="+", default=[], metavar="FILE",
        help="results of faceage-benchmark arm INT8 ...",
    )  # fmt: skip
    add("--clip", type=Path, metavar="FILE", help="run the camera loop on it with each bundle")
    add("--keep", action="store_true", help="leave the rows of other models in OUT")
    add("--json", type=Path, required=True, metavar="OUT", help="result file to write")
    add("--into", type=Path, metavar="PAGE", help="Markdown file whose table is renewed")
    options = parser.parse_args(argv)
    if not options.bundles and not options.keep:
        parser.error("--bundles names what to make rows of, --keep what there is already")
    return options


def _document(options: argparse.Namespace) -> dict[str, Any]:
    arms = [read_result(path) for path in options.arm]
    results = [read_result(path) for path in options.results]
    rows = [
        family_row(bundle, arms, results)
        | ({"loop": camera_loop(bundle, options.clip)} if options.clip else {})
        for bundle in options.bundles
    ]
    sets = guesses(results)
    if options.keep:
        earlier = _earlier(options.json)
        rows = with_kept(rows, earlier)
        known = {(one["set"], one["n"]): one for one in [*earlier.get("sets", ()), *sets]}
        sets = list(known.values())
    return {"schema": "faceage-families/1", "sets": sets, "families": rows}


def _earlier(path: Path) -> dict[str, Any]:
    try:
        document: dict[str, Any] = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise FaceageError(
            f"--keep: {path} cannot be read ({error}); without --keep it is written anew"
        ) from error
    return document


if __name__ == "__main__":
    raise SystemExit(main())
