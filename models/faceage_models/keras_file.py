"""Bring any float model a user has to a float32 .tflite: the one form that everything else takes.

- .tflite: checked and passed on;
- .keras, .h5 (+ .json): loaded by `keras_loading`, converted;
- SavedModel folder: its "serving_default" signature, converted.
"""

import hashlib
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from faceage_edge.embedded import METADATA_NAME
from faceage_edge.errors import ModelFileError
from faceage_edge.flatbuffer import ModelFile, read_model_file
from faceage_edge.interpreter import open_interpreter
from faceage_edge.model import read_model_bytes
from faceage_models.coral import framework_of, with_plain_head
from faceage_models.keras_loading import architecture_beside, load_keras
from faceage_models.region_cut import region_cut_class
from faceage_models.same_answers import largest_difference
from faceage_models.saved_model import read_saved_model
from faceage_models.tflite_edit import rename_by_signature
from faceage_models.tflite_export import function_to_tflite, named_outputs, to_tflite
from faceage_models.tflite_graph import load_graph, scales_its_input
from faceage_models.views import View, one_picture

__all__ = ["FloatModel", "checked_float", "float_tflite", "has_rescaling"]

_TFLITE_MARK = b"TFL3"

# Layers that leave pixel values in their range, behind which a rescaling is still the first one.
_PASSIVE = ("InputLayer", "Resizing", "CenterCrop", "ZeroPadding2D", "Dropout")
_RESCALING = ("Rescaling", "Normalization")
_NARROW = ("int8", "uint8", "int16", "int4", "float16")


@dataclass(frozen=True)
class FloatModel:
    """A float32 .tflite and where it came from.

    `source_digest` is the SHA-256 of the user's file in hex; of several files, of their names and
    digests. `rescaling` tells that the model scales or normalises its own input, so that it expects
    pixels (usually 0 to 255) rather than numbers around 0. `difference` is how far its answers to
    two pictures are from those of the framework it came from, over the largest of them; None for a
    .tflite, which came from itself.
    """

    data: bytes
    source_digest: str
    kind: Literal["keras", "tflite", "foreign"]
    rescaling: bool
    difference: float | None = None


def float_tflite(path: Path, views: tuple[View, ...] = ()) -> FloatModel:
    """Read a model file of any supported kind.

    Args:
        path: a float .tflite, a .keras or .h5 file, or a SavedModel folder.
        views: of a Keras model of several pictures, which part of the crop each is.

    Returns:
        The model with one float32 input `(batch, height, width, 3)`. Outputs carry the names that
        the model gives them; a .tflite that has a contract is passed on unchanged.

    Raises:
        ModelFileError: missing, damaged, foreign or already quantized; not one picture in; or not
            convertible. The message says which.
        MissingExtraError: a Keras model, and Keras or TensorFlow is not installed.
    """
    kind: Literal["keras", "tflite"] = "keras"
    difference: float | None = None
    if path.is_dir():
        data, rescaling, difference = _from_saved_model(path)
    elif (content := read_model_bytes(path))[4:8] == _TFLITE_MARK or path.suffix == ".tflite":
        data, kind = _from_tflite(content, path), "tflite"
        rescaling = scales_its_input(data)
    else:
        data, rescaling, difference = _from_keras(path, views)
    return checked_float(FloatModel(data, _source_digest(path), kind, rescaling, difference), path)


def checked_float(model: FloatModel, path: Path) -> FloatModel:
    """The model, where it is of float32 throughout and takes one picture.

    Raises:
        ModelFileError: it is already quantized, or takes or returns something else.
    """
    graph = read_model_file(model.data, str(path))
    _check_float(graph, path)
    _check_input(graph, path)
    return model


def has_rescaling(model: Any) -> bool:
    """Tell whether a Keras model scales its own input in its first layers.

    Args:
        model: a Keras model, of Keras 3 or tf_keras; models nested in it are looked into.

    Returns:
        True for a Rescaling or Normalization layer before any layer that computes.
    """
    return _first_computing(model) in _RESCALING


def _first_computing(model: Any) -> str | None:
    """Return the class name of the first layer that changes pixel values."""
    for layer in model.layers:
        name = type(layer).__name__
        if name in _PASSIVE or name.startswith("Random"):
            continue
        if not getattr(layer, "layers", None):
            return name
        if inner := _first_computing(layer):
            return inner
    return None


def _from_tflite(data: bytes, path: Path) -> bytes:
    found = read_model_file(data, str(path))
    # Opened before anything reads further: the runtime verifies every offset of the file.
    open_interpreter(data, str(path))
    if METADATA_NAME in found.metadata or not load_graph(data, str(path)).signatureDefs:
        return data
    return rename_by_signature(data)


def _from_keras(path: Path, views: tuple[View, ...]) -> tuple[bytes, bool, float]:
    model = load_keras(path)
    _check_one_file(model, path)
    if views or len(model.inputs) > 1:
        model = one_picture(framework_of(model), model, views, str(path))
    rescaling = has_rescaling(model)
    fused = with_plain_head(model)
    try:
        data = to_tflite(fused)
    except ModelFileError as error:
        raise ModelFileError(f"{path}: {error}") from error

    def original(pictures: Any) -> dict[str, Any]:
        # The model as it was loaded: what the export and the fusing changed is compared too.
        with warnings.catch_warnings():
            # A file of Keras 2 lists its one input, and Keras 3 remarks on it.
            warnings.filterwarnings("ignore", "(?s).*structure of `inputs` doesn't match")
            answers = named_outputs(model, model(pictures, training=False))
        names = answers if fused is model else named_outputs(fused, fused.outputs)
        return dict(zip(names, answers.values(), strict=True))

    return data, rescaling, largest_difference(data, original, str(path), of_bytes=rescaling)


def _check_one_file(model: Any, path: Path) -> None:
    """Refuse a network of two files, whose cut no runtime of a device has."""
    if any(isinstance(layer, region_cut_class()) for layer in model.layers):
        raise ModelFileError(
            f"{path} cuts a region out of its picture, and such a model is converted as two files: "
            f"write them with python -m faceage_models.keras2_file --run {path.parent} --out "
            "whole.h5 --closer closer.h5, and give both to faceage-convert --model and --closer"
        )


def _from_saved_model(folder: Path) -> tuple[bytes, bool, float]:
    function = read_saved_model(folder)
    data = function_to_tflite(function.call, function.shape, name=str(folder))

    def original(pictures: Any) -> Any:
        import tensorflow as tf

        return function.call(tf.constant(pictures))

    rescaling = function.rescaling
    return data, rescaling, largest_difference(data, original, str(folder), of_bytes=rescaling)


def _check_float(graph: ModelFile, path: Path) -> None:
    """Refuse weights that are already quantized: there is nothing left to measure them against."""
    narrow = [t for t in graph.tensors if t.constant and t.dtype in _NARROW]
    if narrow:
        raise ModelFileError(
            f"{path} is already quantized: {len(narrow)} weights such as {narrow[0].name!r} are "
            f"{narrow[0].dtype}; give the float32 model (convert it without optimizations)"
        )


def _check_input(graph: ModelFile, path: Path) -> None:
    shown = ", ".join(f"{t.name!r} {t.dtype} {t.shape}" for t in graph.inputs) or "nothing"
    picture = graph.inputs[0] if len(graph.inputs) == 1 else None
    if (
        picture is None
        or picture.dtype != "float32"
        or len(picture.shape) != 4
        or picture.shape[3] != 3
        or min(picture.shape) < 1
    ):
        raise ModelFileError(
            f"{path} takes {shown}, expected one float32 picture (batch, height, width, 3) of a "
            "fixed size"
        )
    if not graph.outputs or any(output.dtype != "float32" for output in graph.outputs):
        given = ", ".join(f"{t.name!r} {t.dtype}" for t in graph.outputs) or "nothing"
        raise ModelFileError(f"{path} returns {given}, expected float32 numbers")


def _source_digest(path: Path) -> str:
    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if file.is_file())
    elif path.suffix != ".tflite" and (architecture := architecture_beside(path)):
        files = [architecture, path]
    else:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    base = path if path.is_dir() else path.parent
    lines = [
        f"{file.relative_to(base).as_posix()} {hashlib.sha256(file.read_bytes()).hexdigest()}\n"
        for file in files
    ]
    return hashlib.sha256("".join(lines).encode()).hexdigest()
