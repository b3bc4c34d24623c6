"""Layers of published age models that Keras does not have, rebuilt from what is known of them.

A Lambda layer is Python code in a file, and code from a file is not run. Three functions stand in
published age models; a Lambda whose byte code is one of them is replaced by a layer of ours that
computes the same. Nothing is unpickled or unmarshalled for that: byte code is compared as bytes.

- `x * scale` and `a + b * scale`: the scaled residuals of Inception-ResNet (FaceNet, FaceAge);
- `merge_age` of SSR-Net (Yang et al., IJCAI 2018, equation 4): ages of three stages.

`Linear_1_bias` adds the biases of CORAL's ranks to one number (Cao et al., arXiv:1901.07884).
"""

import base64
import binascii
import hashlib
import json
import struct
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from faceage_edge.errors import ModelFileError

__all__ = ["LINEAR_1_BIAS", "STAGES", "custom_objects", "known_config"]

# Byte code of `return x * scale`: CPython 3.5, 3.6 to 3.10, 3.11 and 3.12.
_SCALING = ("7c00007c01001453", "7c007c0114005300", "97007c007c017a0500005300")
# Of `inputs[0] + inputs[1] * scale`.
_SCALED_SUM = (
    "7c0000640100197c0000640200197c0100141753",
    "7c00640119007c00640219007c011400170053" + "00",
    "97007c006401190000000000000000007c006402190000000000000000007c017a0500007a0000005300",
)
# SHA-256 of SSR-Net's `merge_age` as its authors' files have it (CPython 3.5), and of the maximum
# age of 101 in its constants, which no argument states.
_MERGE_AGE = "cc3cdc61a85be7d7285f2ffb15cc17f6c8a7ed08a6b643e4a80f7a9a59c3b3b2"
_MAXIMUM = b"\xe9e\x00\x00\x00"
STAGES = 3
# As CORAL's authors called their layer in files of Keras 2.
LINEAR_1_BIAS = "Linear_1_bias"
_MERGE_ARGUMENTS = ("s1", "s2", "s3", "lambda_local", "lambda_d")

# A marshalled code object begins with its kind and five numbers, or six from CPython 3.8 to 3.10.
_CODE_MARKS = (0x63, 0xE3)
_BYTES_MARKS = (0x73, 0xF3)
_HEADERS = (21, 25)


@cache
def custom_objects(framework: ModuleType) -> dict[str, Any]:
    """The classes that `known_config` refers to, by name.

    Args:
        framework: Keras 3 or tf_keras.
    """
    return {
        "ScaledSum": _scaled_sum_class(framework.layers),
        "StagewiseAge": _stagewise_age_class(framework.layers, _operations(framework)),
        LINEAR_1_BIAS: _linear_1_bias_class(framework.layers),
    }


def _scaled_sum_class(layers: Any) -> Any:
    class ScaledSum(layers.Layer):  # type: ignore[misc]
        """a + b scale, of two tensors."""

        def __init__(self, scale: float, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.scale = scale

        def call(self, inputs: Any) -> Any:
            return inputs[0] + inputs[1] * self.scale

        def get_config(self) -> dict[str, Any]:
            return {**super().get_config(), "scale": self.scale}

    return ScaledSum


def _stagewise_age_class(layers: Any, operations: Any) -> Any:
    class StagewiseAge(layers.Layer):  # type: ignore[misc]
        """SSR-Net's age in years, (n, 1), of three stages' shares, widths and shifts.

        Its quotients are factored, and 1 / w is the square of a reciprocal root: one operation
        that int8 has, where it has no division.
        """

        def __init__(self, stages: Any, local: float, width: float, most: float, **kw: Any) -> None:
            super().__init__(**kw)
            self.stages, self.local, self.width, self.most = list(stages), local, width, most

        def call(self, inputs: Any) -> Any:
            shares, widths, shifts = inputs[:3], inputs[3:6], inputs[6:9]
            age = 0.0
            for stage in reversed(range(STAGES)):
                count = self.stages[stage]
                place = [float(i) for i in range(count)] + self.local * shifts[stage]
                own = operations.sum(place * shares[stage], axis=-1, keepdims=True)
                root = operations.rsqrt(1.0 + self.width * widths[stage])
                age = (own + age) * root * root * (1.0 / count)
            return age * self.most

        def get_config(self) -> dict[str, Any]:
            own = {"stages": self.stages, "local": self.local}
            return {**super().get_config(), **own, "width": self.width, "most": self.most}

    return StagewiseAge


def _linear_1_bias_class(layers: Any) -> Any:
    class Linear1Bias(layers.Layer):  # type: ignore[misc]
        """A number and a bias for each rank, (n, 1) to (n, classes - 1)."""

        def __init__(self, num_classes: int, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.num_classes = num_classes

        def build(self, _input_shape: Any) -> None:
            self.rank_bias = self.add_weight(
                name="bias", shape=(self.num_classes - 1,), initializer="zeros"
            )
            self.built = True

        def call(self, inputs: Any) -> Any:
            return inputs + self.rank_bias

        def compute_output_shape(self, input_shape: Any) -> Any:
            return (*input_shape[:-1], self.num_classes - 1)

        def get_config(self) -> dict[str, Any]:
            return {**super().get_config(), "num_classes": self.num_classes}

    Linear1Bias.__name__ = LINEAR_1_BIAS
    return Linear1Bias


def _operations(framework: ModuleType) -> Any:
    """`sum` and `rsqrt` of a framework: tf_keras has none of its own."""
    if hasattr(framework, "ops"):
        return framework.ops
    from types import SimpleNamespace

    from faceage_models.frameworks import import_tensorflow

    tf = import_tensorflow()

    def total(values: Any, axis: int, keepdims: bool) -> Any:
        return tf.reduce_sum(values, axis=axis, keepdims=keepdims)

    return SimpleNamespace(sum=total, rsqrt=tf.math.rsqrt)


def known_config(config: str, path: Path) -> tuple[str, bool]:
    """Rewrite a model's configuration so that known functions are layers of ours.

    Args:
        config: JSON, as `model.to_json` writes it.
        path: where it comes from, for messages.

    Returns:
        The JSON, and whether anything in it needs `custom_objects`.

    Raises:
        ModelFileError: a Lambda layer of another function, or one that lacks its arguments.
    """
    try:
        document = json.loads(config)
    except ValueError as error:
        raise ModelFileError(f"{path}: its architecture is not JSON ({error})") from error
    changed = False
    for layer in _layers(document):
        if layer.get("class_name") == "Lambda":
            _replace(layer, path)
            changed = True
        elif layer.get("class_name") == LINEAR_1_BIAS:
            changed = True
    return json.dumps(document), changed


def _layers(part: Any) -> Iterator[dict[str, Any]]:
    """Every layer of a configuration, in nested models too."""
    if isinstance(part, list):
        for one in part:
            yield from _layers(one)
    elif isinstance(part, dict):
        if "class_name" in part and isinstance(part.get("config"), dict | list):
            yield part
        for one in part.values():
            yield from _layers(one)


def _replace(layer: dict[str, Any], path: Path) -> None:
    own = layer["config"]
    name, arguments = own.get("name", layer.get("name", "?")), own.get("arguments") or {}
    code, whole = _byte_code(own.get("function"))
    kept = {"name": name, "trainable": bool(own.get("trainable", True))}
    if code in _SCALING and set(arguments) == {"scale"}:
        layer["class_name"] = "Rescaling"
        layer["config"] = {**kept, "scale": float(arguments["scale"]), "offset": 0.0}
    elif code in _SCALED_SUM and set(arguments) == {"scale"}:
        layer["class_name"] = "ScaledSum"
        layer["config"] = {**kept, "scale": float(arguments["scale"])}
    elif _is_merge_age(code, whole) and set(arguments) == set(_MERGE_ARGUMENTS):
        counts = [int(arguments[key]) for key in _MERGE_ARGUMENTS[:STAGES]]
        layer["class_name"] = "StagewiseAge"
        layer["config"] = {
            **kept, "stages": counts, "local": float(arguments["lambda_local"]),
            "width": float(arguments["lambda_d"]), "most": 101.0,
        }  # fmt: skip
    else:
        raise ModelFileError(
            f"{path} holds a Lambda layer, {name!r}, which is Python code, and code from a file is "
            "not run; known are the scaled residuals of Inception-ResNet and the stages of "
            "SSR-Net: write it with Keras layers (Rescaling, Activation) or give a float .tflite"
        )


def _is_merge_age(code: str, whole: bytes) -> bool:
    digest = hashlib.sha256(bytes.fromhex(code)).hexdigest()
    return digest == _MERGE_AGE and _MAXIMUM in whole


def _byte_code(function: Any) -> tuple[str, bytes]:
    """The byte code of a marshalled function in hex, and all that was marshalled; or nothing."""
    text = function[0] if isinstance(function, list) and function else function
    if not isinstance(text, str) or not text:
        return "", b""
    if ord(text[0]) in _CODE_MARKS and ord(text[1:2] or "x") < ord(" "):
        # As Keras wrote it up to 2.0: each byte a character.
        whole = text.encode("latin-1", "replace")
    else:
        try:
            whole = base64.b64decode(text, validate=False)
        except binascii.Error:
            return "", b""
    if not whole or whole[0] not in _CODE_MARKS:
        return "", b""
    for start in _HEADERS:
        if len(whole) > start + 5 and whole[start] in _BYTES_MARKS:
            (length,) = struct.unpack_from("<I", whole, start + 1)
            return whole[start + 5 : start + 5 + length].hex(), whole
    return "", b""
