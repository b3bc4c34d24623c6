"""Write a Keras model as a float32 .tflite with a fixed batch and outputs called by name.

The converter names outputs by their number and may reorder them; the names of the model are written
onto the tensors afterwards. Variables are frozen first: going through a SavedModel leaves every
weight of a Keras 3 model behind as a variable that the file does not contain (TensorFlow 2.21).
"""

from collections.abc import Callable, Mapping
from typing import IO, Any

from faceage_edge.errors import ModelFileError
from faceage_models.frameworks import import_tensorflow, native_log
from faceage_models.tflite_edit import INPUT_NAME, remove_unused, rename_tensors
from faceage_models.tflite_names import name_by_layer

__all__ = ["function_to_tflite", "named_outputs", "to_tflite"]

_LOG_TAIL = 600


def to_tflite(model: Any, *, batch: int | None = None) -> bytes:
    """Convert a Keras model to a float32 .tflite, unoptimised: nothing is quantized here.

    Args:
        model: a Keras model (Keras 3 or tf_keras) of one input `(n, height, width, channels)` with
            fixed height, width and channels.
        batch: size of the batch in the file; the model's own where it has one, else 1.

    Returns:
        The file's bytes. Its input is the tensor "input"; its outputs are called as the model's
        dict of outputs does, or else as the layers that make them.

    Raises:
        ModelFileError: the model has several inputs or an open shape, or TensorFlow cannot write
            it with the operations that every device has.
        MissingExtraError: TensorFlow is not installed.
    """
    if len(model.inputs) != 1:
        raise ModelFileError(
            f"the model {model.name!r} has {len(model.inputs)} inputs, expected one picture: "
            "wrap it in a model that takes the picture alone"
        )

    def serve(pixels: Any) -> Mapping[str, Any]:
        return named_outputs(model, model(pixels, training=False))

    own, *rest = model.inputs[0].shape
    return function_to_tflite(serve, (batch or own, *rest), name=model.name)


def function_to_tflite(
    function: Callable[[Any], Mapping[str, Any]], shape: tuple[int | None, ...], *, name: str
) -> bytes:
    """Convert a TensorFlow function of one float32 tensor to a float32 .tflite.

    Args:
        function: maps a tensor of `shape` to a dict of output name to tensor.
        shape: (batch, height, width, channels); a batch of None becomes 1.
        name: the model's name, for messages.

    Returns:
        The file's bytes, as `to_tflite` describes them.

    Raises:
        ModelFileError: the shape is open, or TensorFlow cannot write the function with the
            operations that every device has.
        MissingExtraError: TensorFlow is not installed.
    """
    if len(shape) != 4 or not all(shape[1:]):
        raise ModelFileError(
            f"the input of model {name!r} has the shape {tuple(shape)}, expected (batch, height, "
            "width, channels) with numbers for the last three: build it for a fixed picture size"
        )
    tf = import_tensorflow()
    spec = tf.TensorSpec((shape[0] or 1, *shape[1:]), tf.float32, name=INPUT_NAME)
    with native_log() as log:
        try:
            concrete = tf.function(function, input_signature=[spec]).get_concrete_function()
            data = bytes(tf.lite.TFLiteConverter.from_concrete_functions([concrete]).convert())
        except Exception as error:  # the converter's errors share no narrower base
            raise ModelFileError(
                f"TensorFlow cannot write the model {name!r} as .tflite: {_reason(error, log)}; "
                "a model of standard Keras layers converts"
            ) from error
    # The frozen function calls its outputs Identity, Identity_1, ... in the order of sorted keys.
    names = sorted(concrete.structured_outputs)
    numbered = {f"Identity_{i}" if i else "Identity": name for i, name in enumerate(names)}
    return name_by_layer(remove_unused(rename_tensors(data, outputs=numbered)))


def named_outputs(model: Any, outputs: Any) -> dict[str, Any]:
    """A model's outputs by the names that its .tflite gives them.

    Args:
        model: a Keras model.
        outputs: what it returned, or stand-ins in the same structure.
    """
    if isinstance(outputs, Mapping):
        return dict(outputs)
    values = list(outputs) if isinstance(outputs, list | tuple) else [outputs]
    if len(values) == 1:
        return {str(model.layers[-1].name): values[0]}
    names = [str(name).split("/")[0] for name in model.output_names]
    if len(set(names)) != len(values):
        names = [f"output_{index}" for index in range(len(values))]
    return dict(zip(names, values, strict=True))


def _reason(error: Exception, log: IO[bytes]) -> str:
    """Return the last line that says something, of the exception or of the native log."""
    lines = [line for line in str(error).splitlines() if line.strip()]
    if not lines:
        log.seek(0)
        lines = log.read().decode(errors="replace").splitlines() or [type(error).__name__]
    return lines[-1].strip()[-_LOG_TAIL:]
