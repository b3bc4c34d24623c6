"""Activation ranges: the true smallest and largest value of every tensor over some pictures.

Quantization scales follow from these. They are plain minima and maxima: the moving average that
quantizers keep forgets the rare large activations, and cost 3 years of age error where plain
ranges cost 0.3 (measured on MobileNetV1 0.5/128).

A ranges file is JSON: format, model_digest (of the float model), tensors ({name: [min, max]}),
means ({name: [mean of each channel]}, may be left out), calibration (which pictures: n, digest,
pictures) and, where `faceage-train --qat` learnt the ranges together with the weights, qat (steps,
faces); its model_digest is that of the .keras file.
"""

import json
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from faceage_calibration.faces import FaceSet, LabelledFace
from faceage_calibration.recorder import RecordingInterpreter, TensorMeans, TensorRanges
from faceage_edge.atomic import write_text
from faceage_edge.errors import FacesError, ModelFileError

__all__ = [
    "RANGES_FORMAT",
    "Calibration",
    "Ranges",
    "read_ranges",
    "record_activations",
    "record_ranges",
    "write_ranges",
]

RANGES_FORMAT = 1

# Enough to find a picture again (40 bits), short enough for hundreds in a small file.
_PREFIX = 10


@dataclass(frozen=True)
class Calibration:
    """Which pictures something was fitted on.

    `digest` is that of the chosen pictures as a set, `pictures` the first ten hex digits of each
    picture's digest, sorted; `faceage_calibration.faces.check_disjoint` takes them.
    """

    n: int
    digest: str
    pictures: tuple[str, ...]

    @staticmethod
    def of(faces: FaceSet, chosen: Sequence[LabelledFace]) -> "Calibration":
        """Describe a choice of faces from a set."""
        prefixes = tuple(sorted(face.digest[:_PREFIX] for face in chosen))
        return Calibration(len(chosen), faces.only(chosen).digest, prefixes)


@dataclass(frozen=True)
class Ranges:
    """(smallest, largest) by tensor name, the digest of the float model they belong to, and the
    pictures they were recorded on.

    `means` holds the mean of every channel of tensors that meet weights, where it was recorded.
    `qat` tells how ranges were learnt: "steps" of training and "faces" they were drawn from; None
    where they were recorded.
    """

    model_digest: str
    tensors: dict[str, tuple[float, float]]
    calibration: Calibration
    means: TensorMeans = field(default_factory=dict)
    qat: dict[str, int] | None = None


def record_ranges(
    model_bytes: bytes,
    inputs: Iterable[npt.NDArray[np.float32]],
    *,
    where: str = "the model",
    threads: int = 1,
    progress: Callable[[int], None] | None = None,
) -> TensorRanges:
    """Record the range of every float tensor that depends on the input; see `record_activations`.

    Returns:
        (smallest, largest) by tensor name.
    """
    recorded = record_activations(
        model_bytes, inputs, where=where, threads=threads, progress=progress
    )
    return recorded[0]


def record_activations(
    model_bytes: bytes,
    inputs: Iterable[npt.NDArray[np.float32]],
    *,
    where: str = "the model",
    threads: int = 1,
    progress: Callable[[int], None] | None = None,
) -> tuple[TensorRanges, TensorMeans]:
    """Record what every float tensor that depends on the input holds.

    Args:
        model_bytes: a float .tflite file.
        inputs: what the model is run on, each float32 in the shape of its input.
        where: the model's name, for messages.
        threads: CPU threads for one invoke.
        progress: called with the number of inputs done, after each.

    Returns:
        (smallest, largest) by tensor name, input and outputs included, constants left out, each
        the shortest decimal that stands for its float32; and the mean of each channel of the
        tensors that an operator multiplies by weights.

    Raises:
        ModelFileError: no float model, or an input of another shape or type.
        FacesError: no inputs at all, or an input or activation that is NaN or infinite.
    """
    recorder = RecordingInterpreter(model_bytes, where, threads=threads)
    wanted = recorder.get_input_details()[0]
    for value in inputs:
        if value.dtype != np.float32 or value.shape != tuple(wanted["shape"]):
            raise ModelFileError(
                f"{where} takes float32 {tuple(int(side) for side in wanted['shape'])}, "
                f"was given {value.dtype} {value.shape}"
            )
        recorder.set_tensor(wanted["index"], value)
        recorder.invoke()
        if progress is not None:
            progress(recorder.invokes)
    if not recorder.invokes:
        raise FacesError(f"no pictures to record the ranges of {where} on; give some faces")
    return recorder.ranges, recorder.means


def write_ranges(path: Path, ranges: Ranges) -> None:
    """Write a ranges file, one tensor a line; OutputError when it cannot be."""
    tensors = ",\n".join(
        f"  {json.dumps(name)}: [{low!r}, {high!r}]"
        for name, (low, high) in sorted(ranges.tensors.items())
    )
    calibration = json.dumps({**vars(ranges.calibration)})
    means = ",\n".join(
        f"  {json.dumps(name)}: {json.dumps(list(values))}"
        for name, values in sorted(ranges.means.items())
    )
    more = f' "means": {{\n{means}\n }},\n' if means else ""
    if ranges.qat is not None:
        more += f' "qat": {json.dumps(ranges.qat)},\n'
    write_text(
        path,
        f'{{\n "format": {RANGES_FORMAT},\n "model_digest": {json.dumps(ranges.model_digest)},\n'
        f' "tensors": {{\n{tensors}\n }},\n{more} "calibration": {calibration}\n}}\n',
    )


def read_ranges(path: Path) -> Ranges:
    """Read a ranges file.

    Raises:
        ModelFileError: missing, unreadable, not JSON, of another format, or with a range that is
            not two finite numbers in order.
    """
    try:
        document = json.loads(path.read_bytes())
    except OSError as error:
        raise ModelFileError(
            f"cannot read the ranges {path}: {error.strerror or error}; "
            "record them with faceage-calibrate ranges"
        ) from error
    except (ValueError, RecursionError) as error:
        raise ModelFileError(f"{path} is no ranges file: it is not JSON ({error})") from error
    try:
        return _parse(document)
    except (KeyError, TypeError, ValueError) as error:
        raise ModelFileError(
            f"{path} is no ranges file of format {RANGES_FORMAT} ({_worded(error)}); "
            "record it again with faceage-calibrate ranges"
        ) from error


def _parse(document: Any) -> Ranges:
    if document["format"] != RANGES_FORMAT:
        raise ValueError(f"found format {document['format']!r}")
    calibration = document["calibration"]
    return Ranges(
        model_digest=_text(document["model_digest"], "model_digest"),
        tensors={name: _range(name, pair) for name, pair in document["tensors"].items()},
        means={name: _means(name, row) for name, row in document.get("means", {}).items()},
        calibration=Calibration(
            n=int(calibration["n"]),
            digest=_text(calibration["digest"], "calibration.digest"),
            pictures=tuple(_text(one, "calibration.pictures") for one in calibration["pictures"]),
        ),
        qat=None if document.get("qat") is None else _qat(document["qat"]),
    )


def _qat(stated: Any) -> dict[str, int]:
    return {key: int(stated[key]) for key in ("steps", "faces")}


def _text(value: object, name: str) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{name} is {value!r}, expected a text")
    return value


def _range(name: str, pair: Any) -> tuple[float, float]:
    low, high = (float(value) for value in pair)
    if not (math.isfinite(low) and math.isfinite(high) and low <= high):
        raise ValueError(f"the range of {name} is {pair}, expected two numbers in order")
    return low, high


def _means(name: str, row: Any) -> tuple[float, ...]:
    values = tuple(float(value) for value in row)
    if not all(map(math.isfinite, values)):
        raise ValueError(f"a mean of {name} is not finite")
    return values


def _worded(error: Exception) -> str:
    return f"{error} is missing" if isinstance(error, KeyError) else str(error)
