"""Activation ranges: the true smallest and largest value of every tensor over some pictures.

Quantization scales follow from these. They are plain minima and maxima: the moving average that
quantizers keep forgets the rare large activations, and cost 3 years of age error where plain
ranges cost 0.3 (measured on MobileNetV1 0.5/128).

A ranges file is JSON: format, model_digest (of the float model), tensors ({name: [min, max]}),
means ({name: [mean of each channel]}) and peaks (the same with largest values), both of which may
be left out, and calibration (which pictures: n, digest, pictures). Where `faceage-train --qat`
learnt the ranges together with the weights, there is qat (steps, faces), and model_digest is that
of the .keras file. Where the int8 file was refined, there is refine (the names of what was done)
and, of fitted rounding, rounding ({name of weights: a bit for each, 1 where it goes up to the next
step; packed eight to a byte, the first one highest, then zlib, then base64}).
"""

import base64
import binascii
import json
import math
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from faceage_calibration.faces import FaceSet, LabelledFace
from faceage_calibration.recorder import (
    Activations,
    ByChannel,
    RecordingInterpreter,
    TensorMeans,
    TensorRanges,
)
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

    `means` and `peaks` hold the mean and the largest value of every channel of tensors that meet
    weights, where they were recorded. `qat` tells how ranges were learnt: "steps" of training and
    "faces" they were drawn from; None where they were recorded. `refine` names how the int8 file
    made of these is refined, and `rounding` holds packed bits for it by the names of weights.
    """

    model_digest: str
    tensors: dict[str, tuple[float, float]]
    calibration: Calibration
    means: TensorMeans = field(default_factory=dict)
    qat: dict[str, int] | None = None
    peaks: ByChannel = field(default_factory=dict)
    refine: tuple[str, ...] = ()
    rounding: dict[str, bytes] = field(default_factory=dict)


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
    return recorded.ranges


def record_activations(
    model_bytes: bytes,
    inputs: Iterable[npt.NDArray[np.float32]],
    *,
    where: str = "the model",
    threads: int = 1,
    progress: Callable[[int], None] | None = None,
) -> Activations:
    """Record what every float tensor that depends on the input holds.

    Args:
        model_bytes: a float .tflite file.
        inputs: what the model is run on, each float32 in the shape of its input.
        where: the model's name, for messages.
        threads: CPU threads for one invoke.
        progress: called with the number of inputs done, after each.

    Returns:
        Ranges of all tensors, input and outputs included, constants left out, each end the
        shortest decimal that stands for its float32; and what is known by channel.

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
    return recorder.recorded


def write_ranges(path: Path, ranges: Ranges) -> None:
    """Write a ranges file, one tensor a line; OutputError when it cannot be."""
    tensors = ",\n".join(
        f"  {json.dumps(name)}: [{low!r}, {high!r}]"
        for name, (low, high) in sorted(ranges.tensors.items())
    )
    calibration = json.dumps({**vars(ranges.calibration)})
    more = _rows("means", {name: list(row) for name, row in ranges.means.items()})
    more += _rows("peaks", {name: list(row) for name, row in ranges.peaks.items()})
    if ranges.qat is not None:
        more += f' "qat": {json.dumps(ranges.qat)},\n'
    if ranges.refine:
        more += f' "refine": {json.dumps(list(ranges.refine))},\n'
    more += _rows("rounding", {name: _packed(bits) for name, bits in ranges.rounding.items()})
    write_text(
        path,
        f'{{\n "format": {RANGES_FORMAT},\n "model_digest": {json.dumps(ranges.model_digest)},\n'
        f' "tensors": {{\n{tensors}\n }},\n{more} "calibration": {calibration}\n}}\n',
    )


def _rows(key: str, values: dict[str, Any]) -> str:
    """A field of one line a tensor; nothing where there are none."""
    rows = ",\n".join(
        f"  {json.dumps(name)}: {json.dumps(value)}" for name, value in sorted(values.items())
    )
    return f" {json.dumps(key)}: {{\n{rows}\n }},\n" if rows else ""


def _packed(bits: bytes) -> str:
    return base64.b64encode(zlib.compress(bits, 9)).decode("ascii")


def _unpacked(name: str, text: Any) -> bytes:
    try:
        return zlib.decompress(base64.b64decode(_text(text, f"rounding.{name}"), validate=True))
    except (binascii.Error, zlib.error) as error:
        raise ValueError(f"the rounding of {name} is damaged: {error}") from error


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
        means={name: _by_channel(name, row) for name, row in document.get("means", {}).items()},
        peaks={name: _by_channel(name, row) for name, row in document.get("peaks", {}).items()},
        refine=tuple(_text(one, "refine") for one in document.get("refine", ())),
        rounding={name: _unpacked(name, row) for name, row in document.get("rounding", {}).items()},
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


def _by_channel(name: str, row: Any) -> tuple[float, ...]:
    values = tuple(float(value) for value in row)
    if not all(map(math.isfinite, values)):
        raise ValueError(f"a channel of {name} is not finite")
    return values


def _worded(error: Exception) -> str:
    return f"{error} is missing" if isinstance(error, KeyError) else str(error)
