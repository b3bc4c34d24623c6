"""`faceage-calibrate threshold`: calibrate a model's answers to "at least so old?"."""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from faceage_calibration.chosen_sets import cropper_of, read_sets
from faceage_calibration.estimates import estimated
from faceage_calibration.outputs import writable
from faceage_calibration.platt import fit_sigmoid
from faceage_calibration.ranges import Calibration
from faceage_edge.age import load_age_model
from faceage_edge.atomic import write_text
from faceage_edge.bundles import find_age
from faceage_edge.errors import FacesError
from faceage_edge.threshold import TABLE_FORMAT, RankScale, table_path

__all__ = ["fit_table", "threshold"]

# Fewer faces on one side of a threshold leave its offset to chance.
FEWEST = 25

Values = npt.NDArray[np.float64]


def threshold(options: argparse.Namespace) -> int:
    """Fit every threshold that has enough faces on both sides, and write the model's table."""
    path = find_age(options.model)
    out = writable(options.out or str(table_path(path)))
    model = load_age_model(path, threads=options.threads)
    scale = RankScale(model.contract)
    sets = read_sets(options, labelled=True)
    found = estimated(sets, model, cropper_of(options, model.template))
    document = {
        "format": TABLE_FORMAT,
        "model": path.name,
        "model_digest": model.digest,
        "thresholds": fit_table(scale, found.ages.years, found.true),
        "crops": options.crops,
        "missed": found.missed,
        "calibration": vars(Calibration.of(found.faces, found.faces.faces)),
    }
    _write(out, document)
    fitted = list(document["thresholds"])
    print(
        f"{out}: {len(fitted)} thresholds, {fitted[0]} to {fitted[-1]}, {len(found.true):,} faces"
    )
    return 0


def fit_table(scale: RankScale, years: Values, truth: Values) -> dict[str, dict[str, Any]]:
    """Fit all thresholds.

    Args:
        scale: of the model's CORAL head.
        years: estimated ages, (n,).
        truth: true ages, (n,).

    Returns:
        By threshold in years `slope`, `offset`, `n_under` and `n_over`; those with at least 25
        faces on either side.

    Raises:
        FacesError: there is none.
    """
    table = {}
    for age in range(1, 120):
        over = truth >= age
        n_over = int(over.sum())
        n_under = truth.size - n_over
        if min(n_over, n_under) < FEWEST or not scale.has(age):
            continue
        slope, offset = fit_sigmoid(scale.logit(years, age), over)
        table[str(age)] = {
            "slope": round(slope, 5),
            "offset": round(offset, 5),
            "n_under": n_under,
            "n_over": n_over,
        }
    if not table:
        raise FacesError(
            f"{truth.size} faces, and no threshold has {FEWEST} on both sides; give more"
        )
    return table


def _write(out: Path, document: dict[str, Any]) -> None:
    rows = ",\n".join(
        f"  {json.dumps(age)}: {json.dumps(fit)}" for age, fit in document["thresholds"].items()
    )
    rest = {name: value for name, value in document.items() if name != "thresholds"}
    lines = [f" {json.dumps(name)}: {json.dumps(value)}" for name, value in rest.items()]
    lines.append(f' "thresholds": {{\n{rows}\n }}')
    write_text(out, "{\n" + ",\n".join(lines) + "\n}\n")
