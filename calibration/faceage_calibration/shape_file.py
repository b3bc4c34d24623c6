"""The file of `faceage-calibrate shape`: what a model's estimates of many faces taught."""

import json
from dataclasses import dataclass
from pathlib import Path

from faceage_calibration.ranges import Calibration
from faceage_edge.atomic import write_text
from faceage_edge.errors import ContractError, ModelFileError
from faceage_edge.interval import IntervalShape, parse_shape
from faceage_edge.json_fields import Fields

__all__ = ["Shape", "read_shape", "write_shape"]

_FORMAT = 1

Curve = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Shape:
    """A model's years curve and its interval's shape, and the faces both were fitted on.

    `interval` is the shape around estimates that went through `years_curve`.
    """

    model: str
    years_curve: Curve
    interval: IntervalShape
    calibration: Calibration


def write_shape(path: Path, shape: Shape) -> None:
    """Write a shape file; OutputError when it cannot be."""
    calibration = {"n": shape.calibration.n, "digest": shape.calibration.digest}
    document = {
        "format": _FORMAT,
        "model": shape.model,
        "years_curve": [list(pair) for pair in shape.years_curve],
        "interval_shape": {key: list(values) for key, values in vars(shape.interval).items()},
        "calibration": calibration,
    }
    lines = [f" {json.dumps(key)}: {json.dumps(value)}" for key, value in document.items()]
    write_text(path, "{\n" + ",\n".join(lines) + "\n}\n")


def read_shape(path: Path) -> Shape:
    """Read a shape file.

    Raises:
        ModelFileError: missing, unreadable, or no shape file of this format.
    """
    try:
        return _parse(Fields(json.loads(path.read_bytes()), str(path)))
    except OSError as error:
        raise ModelFileError(
            f"cannot read the shape {path}: {error.strerror or error}; "
            "make it with faceage-calibrate shape"
        ) from error
    except (ValueError, RecursionError, ContractError) as error:
        raise ModelFileError(
            f"{path} is no shape file ({error}); make it again with faceage-calibrate shape"
        ) from error


def _parse(top: Fields) -> Shape:
    top.integer("format", _FORMAT, _FORMAT)
    faces = top.object("calibration")
    return Shape(
        model=top.text("model"),
        years_curve=top.pair_list("years_curve", 200),
        interval=parse_shape(top.object("interval_shape")),
        calibration=Calibration(faces.integer("n", 1), faces.text("digest"), ()),
    )
