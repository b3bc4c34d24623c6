"""Float against int8 on a clip: faces found by both detectors, ages on identical crops."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faceage_calibration.errors import SamplesError
from faceage_edge.age import Ages
from faceage_edge.crop import align
from faceage_edge.geometry import CropTemplate, Face

__all__ = ["Side", "clip_figures", "measure_clip"]

Picture = NDArray[np.uint8]
_DECIMALS = 3


@dataclass(frozen=True)
class Side:
    """One side of the comparison: a detector and an age model.

    Attributes:
        detect: from a frame, uint8 (height, width, 3) BGR, to its faces, surest first.
        estimate: from crops, uint8 (n, height, width, 3) BGR, to ages.
    """

    detect: Callable[[Picture], list[Face]]
    estimate: Callable[[Picture], Ages]


def measure_clip(
    frames: Iterable[Picture], int8: Side, float32: Side, template: CropTemplate
) -> dict[str, Any]:
    """Run both sides over a clip with one person in it.

    The crops are those of the int8 detector, and both age models get the very same ones.

    Args:
        frames: uint8 (height, width, 3), BGR.
        int8: the converted side.
        float32: what it was converted from.
        template: of the crops.

    Returns:
        The samples: for each frame `found_int8`, `found_float32` (bool), and for each frame in
        which the int8 detector found a face `years_int8` and `years_float32`, rounded.
    """
    samples: dict[str, Any] = {
        key: [] for key in ("found_int8", "found_float32", "years_int8", "years_float32")
    }
    for frame in frames:
        faces = int8.detect(frame)
        samples["found_int8"].append(bool(faces))
        samples["found_float32"].append(bool(float32.detect(frame)))
        if not faces:
            continue
        crops = align(frame, faces[0].landmarks, template)[None]
        for key, side in (("years_int8", int8), ("years_float32", float32)):
            samples[key].append(round(float(side.estimate(crops).years[0]), _DECIMALS))
    return samples


def clip_figures(samples: Mapping[str, Any], _bootstrap: Mapping[str, Any]) -> dict[str, Any]:
    """Return the figures of a demonstration's samples.

    Args:
        samples: from `measure_clip`.

    Returns:
        `frames`, `found_int8` and `found_float32` (counts), `mean_age_int8`, `mean_age_float32`,
        `mean_abs_difference` and `max_abs_difference` in years.

    Raises:
        SamplesError: no face in any frame.
    """
    if not samples["years_int8"]:
        raise SamplesError(
            f"the int8 detector found no face in {len(samples['found_int8'])} frames; "
            "look at the clip and at the models"
        )
    int8, float32 = (np.asarray(samples[f"years_{side}"]) for side in ("int8", "float32"))
    return {
        "frames": len(samples["found_int8"]),
        "faces_int8": sum(samples["found_int8"]),
        "faces_float32": sum(samples["found_float32"]),
        "mean_age_int8": float(int8.mean()),
        "mean_age_float32": float(float32.mean()),
        "mean_abs_difference": float(np.abs(int8 - float32).mean()),
        "max_abs_difference": float(np.abs(int8 - float32).max()),
    }
