"""Age models on named networks."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from faceage_edge.errors import UsageError
from faceage_models.age_backbones import age_model, backbone_features, take_weights
from faceage_models.age_heads import HEADS
from faceage_models.age_inputs import input_named, network_input


@pytest.mark.parametrize(
    ("backbone", "size", "alpha", "message"),
    [
        ("resnet34", 96, 1.0, "no backbone 'resnet34'; there are mobilenet-v1"),
        ("mobilenet-v1", 100, 1.0, "size a multiple of 32"),
        ("vgg16", 96, 0.5, "has no width multiplier"),
        ("mobilenet-v1", 96, 0.0, "alpha must be above 0"),
        ("inception-resnet-v1", 64, 1.0, "nothing left of a picture of 64 pixels: take --size 96"),
    ],
)
def test_what_cannot_be_built(backbone: str, size: int, alpha: float, message: str) -> None:
    """It is said why."""
    with pytest.raises(UsageError, match=message):
        age_model(backbone, HEADS["coral"], size=size, alpha=alpha)


def test_resnet50_is_that_of_keras(keras: Any) -> None:
    """As wide as published, it has the layers of `keras.applications` and answers as they do."""
    theirs = keras.applications.ResNet50(include_top=False, weights=None, input_shape=(64, 64, 3))
    pixels, features = backbone_features(keras, "resnet50", size=64, alpha=1.0)
    ours = keras.Model(pixels, features)
    named = {layer.name: layer for layer in theirs.layers}
    for layer in ours.layers:
        if layer.weights:
            layer.set_weights(named.pop(layer.name).get_weights())
    assert not [name for name, layer in named.items() if layer.weights]
    crops = np.random.default_rng(0).uniform(-1, 1, (2, 64, 64, 3)).astype(np.float32)
    wanted = np.asarray(theirs(crops)).mean(axis=(1, 2))
    # Float sums in another order: a thousandth of a per cent.
    np.testing.assert_allclose(np.asarray(ours(crops)), wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("normalise", ["caffe", "signed", "standardise"])
def test_a_vgg_tells_pictures_apart_from_the_start(keras: Any, normalise: str) -> None:
    """Nothing in it normalises: what faces differ by must not fade on the way through 13 layers."""
    pixels, features = backbone_features(keras, "vgg16", size=32, alpha=1.0, normalise=normalise)
    picture = keras.Input((32, 32, 3), dtype="uint8")
    taken = network_input(keras, picture, input_named(normalise))
    network = keras.Model(picture, keras.Model(pixels, features)(taken))
    generator = np.random.default_rng(0)
    crops = generator.integers(0, 200, (8, 4, 4, 3), dtype=np.uint8).repeat(8, 1).repeat(8, 2)
    answers = np.asarray(network(crops))
    assert 0.03 < answers.std(axis=0).mean() < 3


def test_weights_go_to_their_layers(tmp_path: Path) -> None:
    """By name, under Keras 2's word for depthwise kernels too; the head keeps its own."""
    donor = age_model("mobilenet-v1", HEADS["coral"], size=64, alpha=0.25)
    arrays = {}
    for layer in donor.layers[:-1]:
        for variable in layer.weights:
            name = "depthwise_kernel" if layer.name == "conv_dw_3" else variable.name
            arrays[f"{layer.name}|{variable.name}"] = np.asarray(variable) + 1
            if layer.name == "conv_dw_3" and variable.name == "kernel":
                arrays[f"{layer.name}|{name}"] = arrays.pop("conv_dw_3|kernel")
    np.savez(tmp_path / "w.npz", allow_pickle=False, **arrays)
    model = age_model("mobilenet-v1", HEADS["distribution"], size=64, alpha=0.25)
    assert take_weights(model, tmp_path / "w.npz") == len(arrays)
    for name in ("conv1", "conv_dw_3", "conv_pw_13_bn"):
        for ours, theirs in zip(
            model.get_layer(name).get_weights(), donor.get_layer(name).get_weights(), strict=True
        ):
            np.testing.assert_array_equal(ours, theirs + 1)


def test_weights_of_another_network(tmp_path: Path) -> None:
    """Another width, or other layers."""
    model = age_model("mobilenet-v1", HEADS["coral"], size=64, alpha=0.25)
    arrays = {"conv1|kernel": np.zeros((3, 3, 3, 32), np.float32)}
    np.savez(tmp_path / "wide.npz", allow_pickle=False, **arrays)
    with pytest.raises(UsageError, match="choose the --alpha it was made with"):
        take_weights(model, tmp_path / "wide.npz")
    arrays = {"block1|kernel": arrays["conv1|kernel"]}
    np.savez(tmp_path / "other.npz", allow_pickle=False, **arrays)
    with pytest.raises(UsageError, match=r"has no weight of .* its layers are called block1"):
        take_weights(model, tmp_path / "other.npz")
