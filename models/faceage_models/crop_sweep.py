"""Gather what training at several sizes of the face in its crop came to.

    python -m faceage_models.crop_sweep WORK --json models/crop-sweep.json

WORK holds a run of `faceage-train` for each size and seed, ZOOM-SEED/train.json, as
`models/crop_sweep.sh` leaves them.
"""

import argparse
import json
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from faceage_edge.atomic import write_text
from faceage_edge.command import run
from faceage_edge.errors import FaceageError

__all__ = ["gathered", "main"]


def gathered(records: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The errors by size of the face, from records of runs.

    Args:
        records: train.json of each.

    Returns:
        `faces` learnt from; `zooms` in order, each with `zoom` (1 as shipped), `best_mae` of its
        seeds in years, their `mean` and `apart`, largest minus smallest.

    Raises:
        FaceageError: no record, or runs that differ in more than zoom and seed.
    """
    alike = {_rest(record) for record in records}
    if len(alike) != 1:
        raise FaceageError(
            f"expected runs that differ in --zoom and --seed alone, found {len(alike)} kinds of "
            "them; give each sweep a folder of its own"
        )
    errors: dict[float, dict[int, float]] = {}
    for record in records:
        options = record["options"]
        errors.setdefault(options["zoom"], {})[options["seed"]] = record["best"]["mae"]
    zooms = []
    for zoom, by_seed in sorted(errors.items()):
        maes = [round(by_seed[seed], 4) for seed in sorted(by_seed)]
        mean, apart = round(statistics.fmean(maes), 4), round(max(maes) - min(maes), 4)
        zooms.append({"zoom": zoom, "best_mae": maes, "mean": mean, "apart": apart})
    return {"faces": records[0]["faces"]["training"], "zooms": zooms}


def _rest(record: dict[str, Any]) -> str:
    """All that is not the size of the face: paths carry it in their names, so they are left out."""
    kept = {
        key: value
        for key, value in record["options"].items()
        if key not in ("zoom", "seed", "data", "validate", "out")
    }
    return json.dumps([kept, record["faces"]["training"]], sort_keys=True)


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line.

    Returns:
        0 done, 1 our error, 2 usage.
    """
    parser = argparse.ArgumentParser(prog="python -m faceage_models.crop_sweep")
    parser.add_argument("work", type=Path, metavar="WORK", help="folder of the runs")
    parser.add_argument("--json", type=Path, required=True, metavar="OUT", help="file to write")
    options = parser.parse_args(argv)
    return run("faceage_models.crop_sweep", lambda: _write(options))


def _write(options: argparse.Namespace) -> int:
    files = sorted(options.work.glob("*/train.json"))
    if not files:
        raise FaceageError(
            f"{options.work} holds no runs of faceage-train; models/crop_sweep.sh makes them"
        )
    document = gathered([json.loads(file.read_bytes()) for file in files])
    write_text(options.json, json.dumps(document, indent=1) + "\n")
    print(options.json)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
