"""Read a TensorFlow SavedModel folder: one function from a picture to named outputs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from faceage_edge.errors import ModelFileError
from faceage_models.frameworks import import_tensorflow, native_log

__all__ = ["PictureFunction", "read_saved_model"]

_SIGNATURE = "serving_default"
_PASSIVE = ("Identity", "Cast", "Placeholder", "ResizeBilinear")
_ARITHMETIC = ("Mul", "RealDiv", "Sub", "Add", "AddV2")


@dataclass(frozen=True)
class PictureFunction:
    """What a SavedModel computes.

    `call` maps a float32 tensor of `shape` (None where open) to a dict of output name to tensor.
    `rescaling` tells that it first multiplies, divides or shifts the picture.
    """

    call: Callable[[Any], Mapping[str, Any]]
    shape: tuple[int | None, ...]
    rescaling: bool


def read_saved_model(folder: Path) -> PictureFunction:
    """Load the "serving_default" signature of a SavedModel.

    Args:
        folder: the folder that holds `saved_model.pb`.

    Returns:
        The function; it keeps the loaded variables alive.

    Raises:
        ModelFileError: no SavedModel, a damaged one, no such signature, or not one picture in.
        MissingExtraError: TensorFlow is not installed.
    """
    loaded = _load(folder)
    if _SIGNATURE not in loaded.signatures:
        raise ModelFileError(
            f"{folder} has the signatures {sorted(loaded.signatures)}, expected {_SIGNATURE!r}; "
            "export it with model.export(folder)"
        )
    function = loaded.signatures[_SIGNATURE]
    inputs = function.structured_input_signature[1]
    if len(inputs) != 1:
        raise ModelFileError(f"{folder} takes {sorted(inputs)}, expected one picture")
    name, spec = next(iter(inputs.items()))
    if spec.dtype.name != "float32" or spec.shape.rank is None:
        raise ModelFileError(
            f"{folder} takes {spec.dtype.name} of shape {spec.shape}, expected float32 (batch, "
            "height, width, 3)"
        )

    def call(picture: Any) -> Mapping[str, Any]:
        # `loaded` is named here so that its variables live as long as the function.
        outputs: Mapping[str, Any] = loaded.signatures[_SIGNATURE](**{name: picture})
        return outputs

    return PictureFunction(call, tuple(spec.shape), _rescales(function))


def _load(folder: Path) -> Any:
    if not (folder / "saved_model.pb").is_file():
        raise ModelFileError(
            f"{folder} is a folder without saved_model.pb, so no SavedModel; give that folder, or "
            "a .keras, .h5 or float .tflite file"
        )
    tf = import_tensorflow()
    try:
        with native_log():
            return tf.saved_model.load(str(folder))
    except Exception as error:  # TensorFlow's errors share no narrower base
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ModelFileError(
            f"{folder} is a damaged SavedModel ({reason}); copy or export it again"
        ) from error


def _rescales(function: Any) -> bool:
    """Follow the picture to the first operation that changes it.

    The converted graph cannot tell: TensorFlow multiplies a leading factor into the first
    convolution's weights.
    """
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    with native_log():
        frozen = convert_variables_to_constants_v2(function)
    reached = {frozen.inputs[0].op.name}
    for operation in frozen.graph.get_operations():
        if not reached & {tensor.op.name for tensor in operation.inputs}:
            continue
        if operation.type not in _PASSIVE:
            return operation.type in _ARITHMETIC
        reached.add(operation.name)
    return False
