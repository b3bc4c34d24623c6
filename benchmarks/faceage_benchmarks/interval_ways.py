"""Set ways to a prediction interval side by side, on the faces that intervals are fitted on.

    python -m faceage_benchmarks.interval_ways --model NAME --shape NAME.shape.json \\
        --faces utkface-calib.tar --more utkface-dev.tar --choice interval.json --json OUT

No face judges an interval that it helped to fit: each tenth is judged by what the other nine gave.
The faces that the coverage of the shipped interval is told of are not looked at, so that one of
these ways can be chosen.
"""

import argparse
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from faceage_benchmarks.age_intervals import FOLDS, interval_scores
from faceage_calibration.choice_file import pick, read_choice
from faceage_calibration.crops import FaceCropper
from faceage_calibration.estimates import estimated
from faceage_calibration.even_bands import even_bands
from faceage_calibration.faces import read_faces
from faceage_calibration.interval_shape import fit_shape
from faceage_calibration.intervals import fit_interval
from faceage_calibration.shape_file import read_shape
from faceage_calibration.stats import share_interval
from faceage_edge.age import load_age_model
from faceage_edge.atomic import write_text
from faceage_edge.bundles import find_age
from faceage_edge.command import run
from faceage_edge.detector import named_detector
from faceage_edge.interval import IntervalShape, interval_ends

__all__ = ["WAYS", "Estimates", "judged", "main"]

Floats = npt.NDArray[np.float64]

_COVERAGE, _FLOOR = 0.9, 1.0
_OLDEST = 7  # the last decade, 70 and over


@dataclass(frozen=True)
class Estimates:
    """`true` ages of n faces, `years` estimated and the model's own `spread`, (n,) in years."""

    true: Floats
    years: Floats
    spread: Floats

    def of(self, chosen: npt.NDArray[np.bool_]) -> "Estimates":
        """Those of some faces, (n,) bool."""
        return Estimates(self.true[chosen], self.years[chosen], self.spread[chosen])


# Faces to fit on, faces to answer for, and the shape of the training faces, to the two ends of each
# answer, (n,) in years.
Way = Callable[[Estimates, Estimates, IntervalShape], tuple[Floats, Floats]]


def _constant(fitted: Estimates, asked: Estimates, _: IntervalShape) -> tuple[Floats, Floats]:
    away = np.sort(np.abs(fitted.true - fitted.years))
    half = away[min(int(np.ceil((len(away) + 1) * _COVERAGE)), len(away)) - 1]
    return asked.years - half, asked.years + half


def _shaped(
    fitted: Estimates, asked: Estimates, shape: IntervalShape | None
) -> tuple[Floats, Floats]:
    ages = fitted.true, fitted.years, fitted.spread
    interval = fit_interval(*ages, coverage=_COVERAGE, floor=_FLOOR, shape=shape)
    return interval_ends(interval, asked.years, asked.spread)


def _own_shape(fitted: Estimates, asked: Estimates, _: IntervalShape) -> tuple[Floats, Floats]:
    own = fit_shape(fitted.true, fitted.years, fitted.spread, floor=_FLOOR, coverage=_COVERAGE)
    return _shaped(fitted, asked, own)


def _evened(
    near_one: float, fitted: Estimates, asked: Estimates, shape: IntervalShape
) -> tuple[Floats, Floats]:
    ages = fitted.true, fitted.years, fitted.spread
    even = even_bands(shape, *ages, floor=_FLOOR, coverage=_COVERAGE, near_one=near_one)
    return _shaped(fitted, asked, even)


def _by_label(fitted: Estimates, asked: Estimates, shape: IntervalShape) -> tuple[Floats, Floats]:
    """For each decade an interval of its own faces; the hull of all ages that their own decade's
    does not exclude (Vovk, Gammerman, Shafer 2005, section 4.5, label-conditional)."""
    decades = _decades(fitted.true)
    low, high = asked.years.copy(), asked.years.copy()
    for decade in np.unique(decades):
        first, last = _shaped(fitted.of(decades == decade), asked, shape)
        first = np.maximum(first, 10 * decade)
        if decade < _OLDEST:
            last = np.minimum(last, 10 * decade + 9)
        some = first <= last
        low = np.where(some, np.minimum(low, first), low)
        high = np.where(some, np.maximum(high, last), high)
    return low, high


WAYS: Mapping[str, Way] = {
    "constant": _constant,
    "spread": lambda fitted, asked, _: _shaped(fitted, asked, None),
    "training_shape": _shaped,
    "own_shape": _own_shape,
    "by_label": _by_label,
    **{f"evened_{weight}": partial(_evened, float(weight)) for weight in (1, 5, 20, 100)},
}


def judged(faces: Estimates, shape: IntervalShape, *, seed: int = 0) -> dict[str, Any]:
    """Judge every way, each tenth of the faces by what the others gave.

    Args:
        faces: none of which the model was trained on.
        shape: fitted on faces that it was trained on.
        seed: of the dealing into tenths.

    Returns:
        By the keys of WAYS: `coverage`, a share; `decades`, one for each of true ages, 70 and over
        in one, with `n`, `coverage`, Wilson's `ci95` of it and whether that is `reached` (it holds
        0.9); `reached`, how many are; `width` and `score`, means in years; `score_ratio`, by the
        score of one constant width.
    """
    tenth = np.random.Generator(np.random.PCG64(seed)).permutation(len(faces.true)) % FOLDS
    found = {
        name: _judged(faces, *_cross_fitted(way, faces, shape, tenth)) for name, way in WAYS.items()
    }
    for one in found.values():
        one["score_ratio"] = one["score"] / found["constant"]["score"]
    return found


def _cross_fitted(
    way: Way, faces: Estimates, shape: IntervalShape, tenth: npt.NDArray[np.int64]
) -> tuple[Floats, Floats]:
    ends = np.empty((2, len(tenth)))
    for number in range(FOLDS):
        own = tenth == number
        ends[:, own] = way(faces.of(~own), faces.of(own), shape)
    return ends[0], ends[1]


def _judged(faces: Estimates, low: Floats, high: Floats) -> dict[str, Any]:
    low = np.maximum(low, 0)
    held = (faces.true >= low) & (faces.true <= high)
    decades, rows = _decades(faces.true), []
    for decade in np.unique(decades):
        member = held[decades == decade]
        share = share_interval(int(member.sum()), len(member))
        rows.append(
            {
                "from": int(10 * decade), "n": len(member), "coverage": float(member.mean()),
                "ci95": list(share), "reached": share.low <= _COVERAGE <= share.high,
            }
        )  # fmt: skip
    return {
        "coverage": float(held.mean()),
        "decades": rows,
        "reached": sum(row["reached"] for row in rows),
        "width": float((high - low).mean()),
        "score": float(interval_scores(faces.true, low, high, _COVERAGE).mean()),
    }


def _decades(true: Floats) -> npt.NDArray[np.int64]:
    return np.minimum(true // 10, _OLDEST).astype(np.int64)


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line.

    Returns:
        0 done, 1 our error, 2 usage.
    """
    parser = argparse.ArgumentParser(prog="python -m faceage_benchmarks.interval_ways")
    parser.add_argument("--model", required=True, metavar="NAME", help="shipped int8 age model")
    parser.add_argument("--shape", required=True, type=Path, help="of faceage-calibrate shape")
    parser.add_argument(
        "--faces", required=True, metavar="PATH", help="labelled faces, all of them"
    )
    parser.add_argument("--more", required=True, metavar="PATH", help="and some of these")
    parser.add_argument(
        "--choice", required=True, type=Path, help="which, of faceage-calibrate choose"
    )
    parser.add_argument("--json", required=True, type=Path, metavar="OUT", help="file to write")
    options = parser.parse_args(argv)
    return run("faceage_benchmarks.interval_ways", lambda: _measure(options))


def _measure(options: argparse.Namespace) -> int:
    shape = read_shape(options.shape).interval
    choice = read_choice(options.choice)
    more = pick(choice, (read_faces(options.more),), where=str(options.choice))
    model = load_age_model(find_age(options.model), own_interval=False)
    cropper = FaceCropper(model.template, mode="detect", detector=named_detector("int8"))
    found = estimated((read_faces(options.faces), *more), model, cropper)
    faces = Estimates(found.true, found.ages.years, found.ages.spread)
    document: dict[str, Any] = {
        "model": options.model,
        "n": len(faces.true),
        "ways": judged(faces, shape),
    }
    write_text(options.json, json.dumps(document, indent=1) + "\n")
    for name, one in document["ways"].items():
        print(
            f"{name}: holds {one['coverage']:.1%}, {one['reached']} of {len(one['decades'])} "
            f"decades, {one['score_ratio']:.3f} of one width's score"
        )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
