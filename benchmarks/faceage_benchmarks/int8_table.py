"""Write the table of models/README.md that sets ways to an int8 file side by side.

    python -m faceage_benchmarks.int8_table [--check]

`models/int8_ways.sh` makes the files and measures them: an accuracy result for each model and way,
`benchmarks/results/int8-NAME-WAY.json`, the float model measured beside it on the same crops.
"""

import argparse
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from faceage_benchmarks.grid import markdown_grid, spread
from faceage_benchmarks.marked import with_marked
from faceage_benchmarks.result import read_result
from faceage_edge.atomic import write_text
from faceage_edge.command import run
from faceage_edge.errors import QualityGateError

__all__ = ["WAYS", "main", "way_table"]

# In the order of the rows, by the end of the result's name.
WAYS = {
    "plain": "smallest and largest value on faces, rounded to nearest",
    "biases": "the same, biases corrected: what `faceage-convert` begins with",
    "clip": "and ranges cut for the least squared error: `--refine clip`",
    "equalise": "and channels equalised: `--refine equalise`",
    "round": "and rounding fitted: `--refine round`",
    "equalise-round": "and both: `--refine equalise round`",
    **{f"qat-{seed}": f"trained with the rounding: `--qat`, seed {seed}" for seed in (1, 2, 3)},
}
_MARKS = ("<!--int8-ways-->", "<!--/int8-ways-->")
_HEAD = [
    "model", "int8 by", "MAE, years", "change from float", "worst band: change",
    "ages move by, mean", "at most",
]  # fmt: skip


def way_table(results: Iterable[tuple[str, str, Mapping[str, Any]]]) -> str:
    """The table in Markdown.

    Args:
        results: name of a model, a key of `WAYS`, and the accuracy result, with `--against` its
            float model; those of one model stand together.
    """
    grid, last = [_HEAD], ""
    for name, way, result in results:
        if name != last:
            grid.append([name, "– (float)", f"{result['against_figures']['mae']:.3f}", *[""] * 4])
            last = name
        grid.append(_row(WAYS[way], result))
    return markdown_grid(grid)


def _row(way: str, result: Mapping[str, Any]) -> list[str]:
    worst = max(result["per_band"], key=lambda band: band["delta_mae_ci95"][1])
    return [
        "",
        way,
        f"{result['mae']:.3f}",
        spread(result["delta_mae"], result["delta_mae_ci95"], "+.3f"),
        f"{worst['band']}: {spread(worst['delta_mae'], worst['delta_mae_ci95'], '+.3f')}",
        f"{result['mean_abs_difference']:.2f}",
        f"{result['max_abs_difference']:.1f}",
    ]


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line.

    Returns:
        0 done, 1 our error, 3 the table is out of date (with --check).
    """
    parser = argparse.ArgumentParser(prog="python -m faceage_benchmarks.int8_table")
    parser.add_argument("--results", type=Path, default=Path("benchmarks/results"))
    parser.add_argument("--into", type=Path, default=Path("models/README.md"), metavar="PAGE")
    parser.add_argument(
        "--check", action="store_true", help="change nothing; exit 3 where it differs"
    )
    options = parser.parse_args(argv)
    return run("faceage_benchmarks.int8_table", lambda: _renew(options))


def _renew(options: argparse.Namespace) -> int:
    before = options.into.read_text(encoding="utf-8")
    table = way_table(_results(options.results))
    after = with_marked(
        before, _MARKS, table, where=str(options.into), what="the ways to an int8 file"
    )
    if after == before:
        return 0
    if options.check:
        raise QualityGateError(
            f"{options.into} is out of date: run python -m faceage_benchmarks.int8_table"
        )
    write_text(options.into, after)
    return 0


def _results(folder: Path) -> Iterable[tuple[str, str, Mapping[str, Any]]]:
    """The results that are there, model by model, each in the order of `WAYS`."""
    ending = next(iter(WAYS))
    names = sorted(path.stem for path in folder.glob(f"int8-*-{ending}.json"))
    for name in (stem.removeprefix("int8-").removesuffix(f"-{ending}") for stem in names):
        for way in WAYS:
            path = folder / f"int8-{name}-{way}.json"
            if path.is_file():
                yield name, way, read_result(path)


if __name__ == "__main__":
    raise SystemExit(main())
