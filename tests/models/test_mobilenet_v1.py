"""The age network is MobileNetV1 under its usual layer names."""

from typing import Any

import numpy as np
import pytest

from faceage_edge.errors import UsageError
from faceage_models.age_backbones import age_model
from faceage_models.age_heads import HEADS


def test_backbone_equals_keras_applications(keras: Any) -> None:
    """With weights moved by layer name it computes what `keras.applications.MobileNet` does."""
    reference = keras.applications.MobileNet(
        (64, 64, 3), alpha=0.25, include_top=False, weights=None
    )
    model = age_model("mobilenet-v1", HEADS["coral"], alpha=0.25, size=64)
    shared = {layer.name: layer for layer in model.layers}
    random = np.random.default_rng(0)
    for layer in (layer for layer in reference.layers if layer.weights):
        values = [np.asarray(weight) for weight in layer.weights]
        if layer.name.endswith("_bn"):
            # gamma, beta, mean, variance that keep values between the two ends of the ReLU6.
            ranges = ((0.5, 1.5), (0, 1), (-0.1, 0.1), (0.1, 0.5))
            values = [random.uniform(low, high, values[0].shape) for low, high in ranges]
        layer.set_weights(values)
        shared[layer.name].set_weights(values)
    pixels = random.uniform(-1, 1, (2, 64, 64, 3)).astype(np.float32)
    backbone = keras.Model(model.input, shared["conv_pw_13_relu"].output)
    expected = np.asarray(reference(pixels))
    inside = (expected > 0) & (expected < 6)
    assert inside.mean() > 0.3, "a saturated network would compare nothing"
    np.testing.assert_allclose(np.asarray(backbone(pixels)), expected, atol=1e-4)


def test_output_is_one_logit_per_rank(keras: Any) -> None:
    """101 ages make 100 ranks, which fall from the start."""
    model = age_model("mobilenet-v1", HEADS["coral"], alpha=0.25, size=32)
    logits = np.asarray(model(np.zeros((3, 32, 32, 3), np.float32)))
    assert logits.shape == (3, 100)
    assert (np.diff(logits, axis=1) < 0).all()


@pytest.mark.parametrize(
    "options",
    [{"alpha": 0}, {"size": 100}, {"size": 0}],
    ids=["no width", "not a multiple of 32", "no pixels"],
)
def test_refuses_what_cannot_be_built(options: dict[str, Any]) -> None:
    """Sizes whose padding would differ, and empty networks, are refused before Keras loads."""
    with pytest.raises(UsageError, match="cannot build mobilenet-v1"):
        age_model("mobilenet-v1", HEADS["coral"], **{"alpha": 0.25, "size": 32, **options})
