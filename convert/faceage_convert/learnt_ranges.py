"""Ranges that `faceage-train --qat` learnt together with the weights: read, not recorded."""

from dataclasses import replace
from pathlib import Path

from faceage_calibration.ranges import Ranges, read_ranges
from faceage_edge.errors import FacesError, UsageError
from faceage_models.float_source import FloatSource

__all__ = ["learnt_ranges", "ranges_beside"]

_TRAIN = "faceage-train --qat"


def ranges_beside(model: Path) -> Path:
    """Where a model's learnt ranges lie: `best.keras` has `best.ranges.json`, and so has
    `best.float32.tflite`."""
    return model.with_name(f"{model.stem.removesuffix('.float32')}.ranges.json")


def learnt_ranges(source: FloatSource) -> Ranges:
    """Read the ranges of a model that was trained with the rounding of int8.

    Args:
        source: the float model with its contract embedded.

    Returns:
        The ranges, as those of the float .tflite.

    Raises:
        UsageError: the model has no such ranges, or they were recorded on faces.
        FacesError: they are of other weights.
        ModelFileError: the file is damaged.
    """
    path = ranges_beside(source.path)
    if not path.is_file():
        raise UsageError(
            f"--qat looks for {path}, the ranges that {_TRAIN} leaves beside its best.keras, and "
            "there is none; give that run's model, or leave --qat out"
        )
    ranges = read_ranges(path)
    if ranges.qat is None:
        raise UsageError(
            f"{path} was recorded on faces, expected ranges that {_TRAIN} learnt; leave --qat out"
        )
    if ranges.model_digest not in _digests(source):
        raise FacesError(
            f"{path} belongs to weights with digest {ranges.model_digest[:16]}, which "
            f"{source.path} does not have; give the best.keras and best.ranges.json of one run of "
            f"{_TRAIN}"
        )
    return replace(ranges, model_digest=source.contract.model_digest)


def _digests(source: FloatSource) -> set[str]:
    """Of the float .tflite, of the file it was imported from, and of the weights it was exported
    from, as far as they are known."""
    known = source.contract.provenance
    exported = known.get("source")
    found = {source.contract.model_digest, known.get("source_digest")}
    found.add(exported.get("sha256") if isinstance(exported, dict) else None)
    return {digest for digest in found if digest}
