"""Start weights from a face network in TensorFlow.js's format, here a made-up one."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from faceage_edge.errors import ModelFileError
from faceage_models import face_start
from faceage_models.face_start import Folded, read_faceres, start_network
from faceage_models.mobilenet_v1 import BLOCKS

Weights = dict[str, np.ndarray]


def folded_weights(random: np.random.Generator) -> Weights:
    """MobileNetV1 of a thirty-second of its width, under that file's names."""
    before, weights = 3, {}

    def bias(name: str, channels: int) -> None:
        weights[f"{name}_bn/batchnorm_1/sub"] = random.normal(0.3, 0.2, channels)

    for block in range(len(BLOCKS) + 1):
        channels = 2 if block == 0 else max(BLOCKS[block - 1][0] // 32, 2)
        if block:
            name = f"conv_dw_{block}"
            weights[f"{name}/depthwise_kernel"] = random.normal(0, 0.4, (3, 3, before, 1))
            weights[f"{name}_bn/batchnorm_1/mul"] = random.uniform(0.5, 1.5, before)
            bias(name, before)
        name = f"conv_pw_{block}" if block else "conv1"
        size = 1 if block else 3
        scale = 0.02 if block == 0 else 1.0
        weights[f"{name}/convolution/merged_input"] = random.normal(
            0, scale / np.sqrt(before), (size, size, before, channels)
        )
        bias(name, channels)
        before = channels
    return weights


def write(weights: Weights, folder: Path) -> Path:
    """As TensorFlow.js keeps them, halves of floats one behind the other."""
    entries, data = [], b""
    for name, array in weights.items():
        quantized = {"dtype": "float16", "original_dtype": "float32"}
        entries.append(
            {"name": name, "shape": array.shape, "dtype": "float32", "quantization": quantized}
        )
        data += array.astype(np.float16).tobytes()
    (folder / "face.bin").write_bytes(data)
    (folder / "face.json").write_text(json.dumps({"weightsManifest": [{"weights": entries}]}))
    return folder / "face.json"


def test_the_input_is_ours(tmp_path: Path) -> None:
    """Blue, green, red less means there is red, green, blue, (u8 - 128) / 128 here."""
    weights = folded_weights(np.random.default_rng(0))
    stem = read_faceres(write(weights, tmp_path))["conv1"]
    pixel = np.array([200.0, 30.0, 90.0])  # red, green, blue
    theirs = weights["conv1/convolution/merged_input"].astype(np.float16).astype(np.float64)
    wanted = np.einsum("hwio,i->o", theirs, pixel[::-1] - [103.939, 116.779, 123.68])
    wanted += weights["conv1_bn/batchnorm_1/sub"]
    found = np.einsum("hwio,i->o", stem.kernel, (pixel - 128) / 128) + stem.bias
    np.testing.assert_allclose(found, wanted, atol=2e-2)


@pytest.mark.parametrize("damage", ["missing", "cut", "foreign"])
def test_another_file(damage: str, tmp_path: Path) -> None:
    """Refused with where to get the right one."""
    path = write(folded_weights(np.random.default_rng(0)), tmp_path)
    if damage == "missing":
        path.with_suffix(".bin").unlink()
    elif damage == "cut":
        data = path.with_suffix(".bin").read_bytes()
        path.with_suffix(".bin").write_bytes(data[:-2])
    else:
        write({"other": np.zeros(3)}, tmp_path)
    with pytest.raises(ModelFileError, match=r"is not HSE FaceRes.*models/README.md"):
        read_faceres(path)


def test_the_same_function_and_a_narrower_one(keras: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """At full width the network answers as the file's does, in training too; at half it follows."""
    random = np.random.default_rng(1)
    layers = layers_of_width(random, 0.25)
    # Full width is a quarter of MobileNetV1's here, to be quick.
    real = face_start._network
    monkeypatch.setattr(face_start, "_network", lambda size, alpha: real(size, alpha * 0.25))
    inputs = random.uniform(-1, 1, (24, 32, 32, 3)).astype(np.float32)
    plain = face_start._network(32, 1.0)
    for name, layer in layers.items():
        face_start._set(plain, name, layer, mean=None, variance=None)
    wanted = np.asarray(plain(inputs))
    same = start_network(layers, inputs, 1.0)
    np.testing.assert_allclose(np.asarray(same(inputs)), wanted, atol=1e-3)
    np.testing.assert_allclose(np.asarray(same(inputs, training=True)), wanted, atol=2e-2)
    half = np.asarray(start_network(layers, inputs, 0.5)(inputs))
    assert half.shape[-1] * 2 == wanted.shape[-1]
    # Each kept channel is one of the full network's, and moves with it over faces.
    ours, theirs = half.mean(axis=(1, 2)), wanted.mean(axis=(1, 2))
    with np.errstate(invalid="ignore"):  # a channel that says the same of every face
        close = np.abs(np.corrcoef(ours.T, theirs.T)[: ours.shape[1], ours.shape[1] :])
    assert np.median(np.nan_to_num(close).max(axis=1)) > 0.7


def layers_of_width(random: np.random.Generator, width: float) -> dict[str, Folded]:
    """Folded layers that keep their answers within the ReLU6."""
    layers, before = {}, 3
    for block in range(len(BLOCKS) + 1):
        channels = int((BLOCKS[block - 1][0] if block else 32) * width)
        if block:
            kernel = random.normal(0, 0.3, (3, 3, before, 1)).astype(np.float32)
            bias = random.uniform(0.5, 1.5, before).astype(np.float32)
            layers[f"conv_dw_{block}"] = Folded(kernel, bias)
        name, size = (f"conv_pw_{block}", 1) if block else ("conv1", 3)
        spread = 1 / np.sqrt(size * size * before)
        kernel = random.normal(0, spread, (size, size, before, channels)).astype(np.float32)
        layers[name] = Folded(kernel, random.uniform(0.5, 1.5, channels).astype(np.float32))
        before = channels
    return layers
