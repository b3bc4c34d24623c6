"""Start weights that have seen faces: HSE FaceRes, a MobileNetV1 in TensorFlow.js's format.

    python -m faceage_models.face_start --model faceres.json --data utkface-train.tar --alpha 0.75 \
        --size 128 --out faceres_0.75_128.npz

HSE FaceRes (Savchenko, arXiv:1807.07718; code under Apache-2.0) is MobileNetV1 of full width,
trained on VGGFace2 to tell people apart and then to tell ages. `models/README.md` says where the
file comes from and under which terms.

Its batch normalisations are folded into its convolutions. They are put back by what its layers
answer to real crops, so that training may begin where that one ended. For a narrower network the
channels of each layer that tell the next layer most are kept, and each pointwise convolution is
fitted anew, by least squares, to answer as the full network does (He, Zhang and Sun,
arXiv:1707.06168).
"""

import argparse
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faceage_edge.command import run
from faceage_edge.detector import named_detector
from faceage_edge.errors import ModelFileError
from faceage_models.age_faces import as_inputs, middle, read_training_faces
from faceage_models.keras_backend import training_keras
from faceage_models.layer_weights import save_layer_weights
from faceage_models.mobilenet_v1 import BLOCKS, mobilenet_features

__all__ = ["Folded", "main", "read_faceres", "start_network"]

# Caffe's means of ImageNet, blue, green, red, that the network expects taken off its bytes.
_MEANS = np.array([103.939, 116.779, 123.68], np.float32)
_HALF = 128.0
_FACES = 384
_AT_ONCE = 64
# Of a layer's answers, how many places a face take part in the fit.
_PLACES = 24
_RIDGE = 1e-3
_BATCH_NORMALISATION_EPSILON = 1e-3
_DTYPES = {"float16": np.float16, "uint8": np.uint8, "uint16": np.uint16}

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Folded:
    """A convolution with its batch normalisation folded in: `kernel` as Keras shapes it, float32;
    `bias` (channels,)."""

    kernel: Floats
    bias: Floats


def read_faceres(path: Path) -> dict[str, Folded]:
    """Read the convolutions of HSE FaceRes.

    Args:
        path: its .json, with the .bin of the same name beside it.

    Returns:
        By layer name, `conv1`, `conv_dw_1`, `conv_pw_1`, ...; input RGB, (u8 - 128) / 128.

    Raises:
        ModelFileError: a file is missing, cut short, or of another network.
    """
    try:
        weights = _read_arrays(path)
        layers = {name: _folded(weights, name) for name in _layer_names()}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelFileError(
            f"{path} is not HSE FaceRes for TensorFlow.js ({error}); models/README.md says "
            "where to get it"
        ) from error
    stem = layers["conv1"]
    # From blue first to red first, and from bytes less means to our (u8 - 128) / 128.
    shift = np.einsum("hwio,i->o", stem.kernel, _HALF - _MEANS)
    layers["conv1"] = Folded(stem.kernel[:, :, ::-1] * _HALF, stem.bias + shift)
    return layers


def _read_arrays(path: Path) -> dict[str, Floats]:
    """The arrays of a TensorFlow.js weights manifest: they lie one behind the other."""
    data, offset = path.with_suffix(".bin").read_bytes(), 0
    arrays = {}
    for group in json.loads(path.read_text(encoding="utf-8"))["weightsManifest"]:
        for entry in group["weights"]:
            stored = entry.get("quantization") or {"dtype": entry["dtype"]}
            dtype = np.dtype(_DTYPES.get(stored["dtype"], stored["dtype"]))
            count = math.prod(entry["shape"])
            array = np.frombuffer(data, dtype, count, offset).astype(np.float32)
            offset += count * dtype.itemsize
            if "scale" in stored:
                array = array * stored["scale"] + stored["min"]
            arrays[entry["name"]] = array.reshape(entry["shape"])
    if offset != len(data):
        raise ValueError(f"{offset:,} bytes are described and {len(data):,} are there")
    return arrays


def _layer_names() -> list[str]:
    blocks = range(1, len(BLOCKS) + 1)
    return ["conv1", *(f"conv_{kind}_{block}" for block in blocks for kind in ("dw", "pw"))]


def _folded(weights: dict[str, Floats], name: str) -> Folded:
    bias = weights[f"{name}_bn/batchnorm_1/sub"].reshape(-1)
    if "_dw_" not in name:
        return Folded(weights[f"{name}/convolution/merged_input"], bias)
    # Only depthwise convolutions were left unmerged.
    scale = weights[f"{name}_bn/batchnorm_1/mul"].reshape(1, 1, -1, 1)
    return Folded(weights[f"{name}/depthwise_kernel"] * scale, bias)


def start_network(layers: dict[str, Folded], inputs: Floats, alpha: float) -> Any:
    """Build MobileNetV1's features with the weights of a full-width network.

    Args:
        layers: from `read_faceres`.
        inputs: crops, float32 (n, size, size, 3), as the network takes them.
        alpha: width multiplier, up to 1; 1 gives the same function.

    Returns:
        A Keras model from crops to features (n, size / 32, size / 32, 1024 alpha).
    """
    size = inputs.shape[1]
    full = _network(size, 1.0)
    for name, layer in layers.items():
        _set(full, name, layer, mean=None, variance=None)
    kept = _kept_channels(full, layers, inputs, alpha)
    narrow = _network(size, alpha)
    random = np.random.default_rng(0)
    before = np.arange(3)
    for name, layer in layers.items():
        if "_dw_" in name:
            part = Folded(layer.kernel[:, :, before], layer.bias[before])
        elif name == "conv1" or alpha == 1:
            part = Folded(layer.kernel[:, :, before][..., kept[name]], layer.bias[kept[name]])
        else:
            part = _fitted(narrow, full, name, kept[name], inputs, random)
        _set(narrow, name, part, *_moments(narrow, name, part, inputs))
        before = kept.get(name, before)
    return narrow


def _network(size: int, alpha: float) -> Any:
    keras = training_keras()
    pixels = keras.Input((size, size, 3), name="input")
    return keras.Model(pixels, mobilenet_features(keras.layers, pixels, alpha))


def _set(
    model: Any, name: str, layer: Folded, mean: Floats | None, variance: Floats | None
) -> None:
    """Give a convolution and its batch normalisation, together, a folded layer's function."""
    if mean is None or variance is None:
        mean = np.zeros_like(layer.bias)
        variance = np.full_like(layer.bias, 1 - _BATCH_NORMALISATION_EPSILON)
    model.get_layer(name).set_weights([layer.kernel])
    scale = np.sqrt(variance + _BATCH_NORMALISATION_EPSILON)
    model.get_layer(f"{name}_bn").set_weights([scale, layer.bias + mean, mean, variance])


def _answers(model: Any, layer: str, inputs: Floats) -> Floats:
    """What a layer answers, float32 (n, height, width, channels)."""
    part = training_keras().Model(model.input, model.get_layer(layer).output)
    return np.concatenate(
        [
            np.asarray(part.predict_on_batch(inputs[start : start + _AT_ONCE]), np.float32)
            for start in range(0, len(inputs), _AT_ONCE)
        ]
    )


def _kept_channels(
    full: Any, layers: dict[str, Folded], inputs: Floats, alpha: float
) -> dict[str, NDArray[np.int64]]:
    """Which channels of conv1 and of each pointwise convolution a narrow network keeps."""
    kept = {}
    for block in range(len(BLOCKS) + 1):
        name = "conv1" if block == 0 else f"conv_pw_{block}"
        count = layers[name].bias.size
        if block == len(BLOCKS):
            told = _answers(full, f"{name}_relu", inputs).mean(axis=(1, 2)).var(axis=0)
        else:
            varied = _answers(full, f"conv_dw_{block + 1}_relu", inputs).var(axis=(0, 1, 2))
            told = varied * (layers[f"conv_pw_{block + 1}"].kernel[0, 0] ** 2).sum(axis=1)
        kept[name] = np.sort(np.argsort(-told)[: int(count * alpha)])
    return kept


def _fitted(
    narrow: Any,
    full: Any,
    name: str,
    kept: NDArray[np.int64],
    inputs: Floats,
    random: np.random.Generator,
) -> Folded:
    """A pointwise convolution that answers, from the narrow network's channels, what the full
    network's does."""
    depthwise = name.replace("pw", "dw")
    given = _answers(narrow, f"{depthwise}_relu", inputs)
    wanted = _answers(full, f"{name}_bn", inputs)[..., kept]
    cells = given.shape[1] * given.shape[2]
    places = random.permuted(np.tile(np.arange(cells), (len(inputs), 1)), axis=1)[:, :_PLACES]
    x, y = (
        np.take_along_axis(a.reshape(len(inputs), cells, -1), places[..., None], axis=1)
        .reshape(-1, a.shape[-1])
        .astype(np.float64)
        for a in (given, wanted)
    )
    mean, goal = x.mean(axis=0), y.mean(axis=0)
    square = (x - mean).T @ (x - mean)
    square += np.eye(len(square)) * (_RIDGE * np.trace(square) / len(square))
    kernel = np.linalg.solve(square, (x - mean).T @ (y - goal))
    bias = goal - mean @ kernel
    return Folded(kernel[None, None].astype(np.float32), bias.astype(np.float32))


def _moments(narrow: Any, name: str, layer: Folded, inputs: Floats) -> tuple[Floats, Floats]:
    """Mean and variance of what a convolution, its kernel alone, answers."""
    narrow.get_layer(name).set_weights([layer.kernel])
    answers = _answers(narrow, name, inputs)
    return answers.mean(axis=(0, 1, 2)), answers.var(axis=(0, 1, 2))


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line.

    Returns:
        0 done, 1 our error, 2 usage.
    """
    parser = argparse.ArgumentParser(prog="python -m faceage_models.face_start")
    parser.add_argument(
        "--model", type=Path, required=True, help="faceres.json, its .bin beside it"
    )
    parser.add_argument("--data", type=Path, required=True, help="faces to measure layers on")
    parser.add_argument("--alpha", type=float, default=1.0, help="width multiplier, up to 1")
    parser.add_argument("--size", type=int, default=128, help="of the crop in pixels")
    parser.add_argument("--out", type=Path, required=True, metavar="NPZ")
    options = parser.parse_args(argv)
    return run("faceage_models.face_start", lambda: _write(options))


def _write(options: argparse.Namespace) -> int:
    from faceage_models.train_age import crop_template

    layers = read_faceres(options.model)
    template = crop_template(options.size)
    faces = read_training_faces([options.data], template, named_detector("int8"), share=0.05)
    inputs = as_inputs(middle(faces.canvases[:_FACES], template))
    save_layer_weights(start_network(layers, inputs, options.alpha), options.out)
    print(options.out)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
