"""Bring a user's model of any accepted format to a float .tflite with its contract."""

from dataclasses import replace
from pathlib import Path

from faceage_convert.foreign_import import FOREIGN, float_foreign
from faceage_convert.golden_outputs import with_golden
from faceage_convert.provenance import tool_versions
from faceage_edge.errors import ModelFileError, UsageError
from faceage_edge.flatbuffer import read_model_file
from faceage_edge.model import read_model_bytes
from faceage_edge.operators import operator_names
from faceage_models.float_source import FloatSource
from faceage_models.keras_file import float_tflite
from faceage_models.specification import Hints, describe_float
from faceage_models.views import stated_views

__all__ = ["import_float"]


def import_float(
    path: Path, hints: Hints, *, name: str | None = None, first: str | None = None
) -> FloatSource:
    """Read a float model and give it its contract.

    Args:
        path: a float .tflite, a .keras or .h5 file, a SavedModel folder, a .pt2 or an .onnx.
        hints: what the user says of it.
        name: the model's name; by default its contract's, else its file's.
        first: the digest of the first file, where this is the second of a model of two.

    Returns:
        The model with its contract embedded.

    Raises:
        ModelFileError: no model of a known format, damaged, quantized, or not one picture in.
        UsageError: its head is unknown and was not said, or what was said contradicts the file; or
            its crop is a region, and it is not the second file of two, or the other way round.
        MissingExtraError: a Keras model, and Keras is not installed.
    """
    _check_tflite(path)
    if path.suffix in FOREIGN:
        imported = float_foreign(path)
    else:
        imported = float_tflite(path, stated_views(hints.contract))
    source = describe_float(imported.data, path, hints, name=name, rescaling=imported.rescaling)
    source = _of_first(source, first)
    if source.contract.model_digest:
        return source
    provenance = {
        **source.contract.provenance,
        "source_digest": imported.source_digest,
        "tools": tool_versions(),
    }
    if imported.difference is not None:
        provenance["import_difference"] = float(f"{imported.difference:.2g}")
    contract = replace(source.contract, provenance=provenance)
    data, contract = with_golden(source.data, contract, str(path))
    return replace(source, data=data, contract=contract)


def _of_first(source: FloatSource, first: str | None) -> FloatSource:
    """The second file of a model of two, naming the first."""
    crop = source.contract.crop
    if (crop.kind == "region") != (first is not None):
        raise UsageError(
            f"the contract of {source.path} says it is cut by {crop.kind}: "
            + (
                "give it with --closer, beside the --model that says where"
                if first is None
                else 'one that looks closer states [crop] kind = "region"'
            )
        )
    if first is None or crop.of == first:
        return source
    if source.contract.model_digest:
        raise UsageError(
            f"{source.path} carries the contract of a model that looks closer where another than "
            "this --model says; give the two files of one conversion, or both as they were before"
        )
    contract = replace(source.contract, crop=replace(crop, of=first))
    return replace(source, contract=contract)


def _check_tflite(path: Path) -> None:
    """Refuse what a runtime would refuse too, in words that mean nothing to a user."""
    if path.suffix != ".tflite" or not path.is_file():
        return
    model = read_model_file(read_model_bytes(path), str(path))
    if "edgetpu-custom-op" in operator_names(model):
        raise ModelFileError(
            f"{path} is compiled for the Edge TPU, and nothing can be converted from that; "
            "give the float model that it was made from"
        )
    # The converter writes 1 for a side that was left open.
    if any(len(tensor.shape) == 4 and 1 in tensor.shape[1:3] for tensor in model.inputs):
        raise ModelFileError(
            f"{path} takes pictures of an open size, found {model.inputs[0].shape}, expected "
            "(batch, height, width, 3) of a fixed size; export it again for one"
        )
