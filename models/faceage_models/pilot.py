"""The pilot age model: weights from an .npz, input re-expressed so that int8 needs no arithmetic.

The pilot was trained on x_old = u8 / 127.5 - 1. The shipped model takes x = (u8 - 128) / 128, whose
int8 form with scale 1/128 is the pixel with its top bit flipped. The two are related by

    x_old = (128 / 127.5) x + 0.5 / 127.5

so the factor goes into the first convolution's kernel and the offset, a constant at its output,
into the mean of the batch normalisation behind it. Where that convolution pads, the constant is off
by the padded taps' share: a zero of the new input is 128, a zero of the old one was 127.5.
`faceage_models.fold_error` measures what that costs.
"""

from pathlib import Path
from typing import Any

import numpy as np

from faceage_edge.errors import ModelFileError
from faceage_models.coral import fuse_head
from faceage_models.layer_weights import Weights, read_weights
from faceage_models.mobilenet_v1 import age_mobilenet

__all__ = ["fold_input", "load_pilot", "pilot_model"]

# x_old = _SCALE * x + _OFFSET, from the two formulas in the module docstring.
_SCALE = 128.0 / 127.5
_OFFSET = 0.5 / 127.5


def pilot_model(weights: Weights, *, size: int = 128) -> Any:
    """Build the age model around the pilot's weights; its input stays u8 / 127.5 - 1, RGB.

    Args:
        weights: `{"layer|weight": array}` as `read_weights` returns it; it fixes the width of the
            network and the number of ranks.
        size: height and width of the input in pixels.

    Returns:
        The Keras model with its `CoralHead` in place: `(n, size, size, 3)` to `(n, ranks)` logits.

    Raises:
        ModelFileError: a weight is absent, left over, or of the wrong shape.
        MissingExtraError: Keras is not installed.
    """
    stem, biases = (weights.get(key) for key in ("conv1|kernel", "rank_bias|bias"))
    if stem is None or biases is None:
        raise ModelFileError(
            "the weights lack 'conv1|kernel' or 'rank_bias|bias', expected a MobileNetV1 with a "
            "CORAL head: use the pilot's .npz"
        )
    model = age_mobilenet(alpha=stem.shape[-1] / 32, size=size, ages=biases.size + 1)
    used = {key for layer in model.layers for key in _assign(layer, weights)}
    if left := sorted(set(weights) - used):
        raise ModelFileError(f"{len(left)} weights fit no layer of the network, such as {left[:3]}")
    return model


def _assign(layer: Any, weights: Weights) -> list[str]:
    """Set one layer's weights and return the keys they came from."""
    keys = [_key(layer.name, variable.name) for variable in layer.weights]
    for key, variable in zip(keys, layer.weights, strict=True):
        value = weights.get(key)
        if value is None or value.shape != tuple(variable.shape):
            found = "is absent" if value is None else f"has shape {value.shape}"
            raise ModelFileError(f"weight {key!r} {found}, expected shape {tuple(variable.shape)}")
        variable.assign(value)
    return keys


def _key(layer: str, variable: str) -> str:
    # The pilot's head was two layers of its own; ours is one.
    head = {"kernel": "dense|kernel", "rank_bias": "rank_bias|bias"}
    return head[variable] if layer == "coral" else f"{layer}|{variable}"


def fold_input(model: Any) -> None:
    """Change a model of input u8 / 127.5 - 1, in place, to take (u8 - 128) / 128 instead.

    Args:
        model: a Keras model with layers "conv1" (no bias) and "conv1_bn" behind it, such as
            `pilot_model` builds.
    """
    conv, norm = model.get_layer("conv1"), model.get_layer("conv1_bn")
    kernel = np.asarray(conv.kernel, np.float64)
    mean = np.asarray(norm.moving_mean, np.float64)
    # The normalisation subtracts its mean, so a constant added before it is a mean that much lower.
    norm.moving_mean.assign(mean - _OFFSET * kernel.sum(axis=(0, 1, 2)))
    conv.kernel.assign(kernel * _SCALE)


def load_pilot(path: Path, *, size: int = 128) -> Any:
    """Read the pilot's weights into the model that is exported: folded input, fused head.

    Args:
        path: the pilot's .npz.
        size: height and width of the input in pixels.

    Returns:
        A Keras model: input `(n, size, size, 3)` float32 RGB (u8 - 128) / 128, output "ranks"
        `(n, 100)` logits.

    Raises:
        ModelFileError: the file is missing, damaged, or does not fit the network.
        MissingExtraError: Keras is not installed.
    """
    model = pilot_model(read_weights(path), size=size)
    fold_input(model)
    return fuse_head(model)
