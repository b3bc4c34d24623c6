"""Folding: a network without normalisations that answers as before, or a refusal that says why."""

from typing import Any

import numpy as np
import pytest

from faceage_edge.errors import UsageError
from faceage_models.age_backbones import age_model
from faceage_models.age_heads import HEADS
from faceage_models.folded_network import Part, build_parts, folded_parts
from faceage_models.qat_layers import result_sources


def lively(model: Any) -> Any:
    """A model whose normalisations do something."""
    random = np.random.default_rng(0)
    for layer in model.layers:
        if type(layer).__name__ == "BatchNormalization":
            moved = [np.asarray(w) + random.normal(0, 0.2, w.shape) for w in layer.weights]
            # A small variance, or nothing would be left of the picture after thirteen blocks.
            layer.set_weights([*moved[:3], 0.02 + 0.1 * np.abs(moved[3])])
    return model


@pytest.mark.parametrize("backbone", ["mobilenet-v1", "mobilenet-v2", "lenet", "4c2f"])
def test_the_same_answers(backbone: str, keras: Any) -> None:
    """Of layers alone, without a normalisation, and of features that are not all alike."""
    alpha = 0.35 if backbone == "mobilenet-v2" else 0.25
    model = lively(age_model(backbone, HEADS["coral"], size=32, alpha=alpha))
    head = model.layers[-1]
    parts = folded_parts(model, head)
    assert not any("Norm" in part.kind for part in parts)
    pixels = keras.Input((32, 32, 3))
    folded = keras.Model(pixels, head(build_parts(keras, parts, pixels)[parts[-1].name]))
    picture = np.random.default_rng(1).uniform(-1, 1, (2, 32, 32, 3)).astype(np.float32)
    wanted = np.asarray(model(picture))
    assert wanted.std(axis=0).max() > 0
    np.testing.assert_allclose(np.asarray(folded(picture)), wanted, rtol=1e-3, atol=1e-4)


def shared(keras: Any, x: Any) -> Any:
    """One layer used twice."""
    layer = keras.layers.Conv2D(3, 3, padding="same", name="twice")
    return layer(layer(x))


def nested(keras: Any, x: Any) -> Any:
    """A model inside the model."""
    inner = keras.Input((8, 8, 3))
    return keras.Model(inner, keras.layers.ReLU()(inner), name="inside")(x)


def before(keras: Any, x: Any) -> Any:
    """A normalisation before its convolution."""
    x = keras.layers.BatchNormalization(name="early")(x)
    return keras.layers.Conv2D(3, 3, name="late")(x)


def read_twice(keras: Any, x: Any) -> Any:
    """A convolution that something beside its normalisation reads."""
    x = keras.layers.Conv2D(3, 3, name="conv")(x)
    return keras.layers.Add()([keras.layers.BatchNormalization(name="norm")(x), x])


@pytest.mark.parametrize(
    ("network", "said"),
    [
        (shared, "'twice'"),
        (nested, "cannot follow what the layer 'inside' reads"),
        (before, "'early' is a normalisation that does not stand alone"),
        (read_twice, "'norm' is a normalisation that does not stand alone"),
        (lambda keras, x: keras.layers.LeakyReLU(name="leaky")(x), "'leaky' is a LeakyReLU"),
        (lambda keras, x: keras.layers.ReLU(1.0, name="low")(x), "'low' is a ReLU"),
        (
            lambda keras, x: keras.layers.Activation("hard_silu", name="swish")(x),
            "'swish' has the activation hard_silu",
        ),
        (
            lambda keras, x: keras.layers.Conv2D(3, 3, groups=3, name="grouped")(x),
            "'grouped' is a Conv2D",
        ),
    ],
    ids=lambda case: getattr(case, "__name__", str(case)[:20]),
)
def test_refusals(network: Any, said: str, keras: Any) -> None:
    """The layer that cannot be trained is named, with what can."""
    pixels = keras.Input((8, 8, 3))
    model = keras.Model(pixels, network(keras, pixels))
    with pytest.raises(UsageError) as refused:
        folded_parts(model, None)
    assert said in str(refused.value) and "--qat" in str(refused.value)


def test_whose_range_a_result_has() -> None:
    """A merged ReLU rounds for the layer before it; what only moves numbers has the range of what
    it moves; an addition beside a branch rounds itself."""
    parts = [
        Part("conv", "Conv2D", {}, ("",)),
        Part("conv_relu", "ReLU", {}, ("conv",)),
        Part("pad", "ZeroPadding2D", {}, ("conv_relu",)),
        Part("pool", "MaxPooling2D", {}, ("pad",)),
        Part("linear", "Conv2D", {}, ("pool",)),
        Part("add", "Add", {}, ("linear", "pool")),
        Part("add_relu", "ReLU", {}, ("add",)),
        Part("mean", "GlobalAveragePooling2D", {}, ("add",)),
    ]
    assert result_sources(parts) == {
        "conv": "conv_relu",
        "conv_relu": "conv_relu",
        "pad": "conv_relu",
        "pool": "conv_relu",
        "linear": "linear",
        "add": "add",
        "add_relu": "add_relu",
        "mean": "mean",
    }
    assert result_sources([Part("pad", "ZeroPadding2D", {}, ("",))]) == {"pad": ""}
