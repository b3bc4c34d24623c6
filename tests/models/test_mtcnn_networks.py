"""Our three networks compute what the `mtcnn` package's do."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from faceage_edge.crop import shrink
from faceage_edge.errors import ModelFileError, UsageError
from faceage_models import mtcnn_networks
from faceage_models.mtcnn_networks import mtcnn_network, onet, pnet, rnet
from faceage_models.mtcnn_weights import network_weights, package_weights

# Float sums in another order; the outputs are of order 1.
_TOLERANCE = 1e-5


@pytest.fixture
def windows(astronaut: npt.NDArray[np.uint8]) -> Callable[[int], npt.NDArray[np.uint8]]:
    """Return a function giving 24 RGB windows of a side: faces, half faces and background."""
    rgb = astronaut[..., ::-1]

    def cut(side: int) -> npt.NDArray[np.uint8]:
        corners = [(y, x) for y in range(0, 240, 60) for x in range(60, 300, 40)]
        return np.stack([shrink(rgb[y : y + 140, x : x + 140], side, side) for y, x in corners])

    return cut


def _package_network(name: str) -> Any:
    pytest.importorskip("mtcnn", reason="compares with the mtcnn package: pip install '.[bench]'")
    from mtcnn import stages

    return getattr(stages, f"Stage{name}")().model


@pytest.mark.parametrize(
    ("build", "package", "side"),
    [
        (lambda: mtcnn_network("pnet", (24, 96, 96, 3)), "PNet", 96),
        (lambda: rnet(batch=24), "RNet", 24),
        (lambda: onet(batch=24), "ONet", 48),
    ],
    ids=["pnet", "rnet", "onet"],
)
def test_equals_the_package(
    keras: Any,
    windows: Callable[[int], npt.NDArray[np.uint8]],
    build: Callable[[], Any],
    package: str,
    side: int,
) -> None:
    """Same pixels, our formula and theirs: boxes, landmarks and probabilities to 1e-5."""
    theirs = _package_network(package)
    pixels = windows(side).astype(np.float32)
    ours = {name: np.asarray(value) for name, value in build()((pixels - 128) / 128).items()}
    expected = [np.asarray(value) for value in theirs((pixels - 127.5) / 128)]
    box, *landmarks, probability = expected
    face = 1 / (1 + np.exp(-ours["face_logit"].astype(np.float64)))
    found = probability[..., 1:]
    assert found.min() < 0.5 < found.max(), "the windows should hold faces and background"
    np.testing.assert_allclose(face.reshape(found.shape), found, atol=_TOLERANCE)
    np.testing.assert_allclose(ours["box"].reshape(box.shape), box, atol=_TOLERANCE)
    for points in landmarks:
        np.testing.assert_allclose(ours["landmarks"].reshape(points.shape), points, atol=_TOLERANCE)


def test_shapes_are_fixed(keras: Any) -> None:
    """Batch and size stand in the model, so the exported graph needs no resizing."""
    pytest.importorskip("mtcnn")
    model = pnet(height=60, width=84)
    assert model.input_shape == (1, 60, 84, 3)
    # A 12-pixel window every 2 pixels.
    assert model.get_layer("face_logit").output.shape == (1, 25, 37, 1)
    assert rnet(batch=3).input_shape == (3, 24, 24, 3)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: pnet(height=11), "11 pixels: its window is 12 x 12"),
        (lambda: rnet(batch=0), "a batch of 1 or more"),
        (lambda: mtcnn_network("qnet", (1, 24, 24, 3)), "expected pnet, rnet or onet"),
    ],
    ids=["smaller than a window", "no window", "no such network"],
)
def test_refuses(build: Callable[[], Any], message: str) -> None:
    """Shapes and names that cannot be are refused before Keras loads."""
    with pytest.raises(UsageError, match=message):
        build()


def test_pooled_layers_need_the_slope_first() -> None:
    """Every pooled layer has a negative slope, so pooling cannot go first (see `_hidden`)."""
    pytest.importorskip("mtcnn")
    for network, pools in mtcnn_networks._POOLS.items():
        trunk = network_weights(network).trunk
        pooled = [slope for (_, _, slope), pool in zip(trunk, pools, strict=True) if pool]
        assert pooled
        assert all(slope.min() < 0 for slope in pooled)


def test_wrong_arrays_are_refused() -> None:
    """Weights of another network do not sort into layers."""
    with pytest.raises(ModelFileError, match="7 arrays are not the weights of onet"):
        network_weights("onet", [np.zeros(1, np.float32)] * 7)


def test_unknown_package_weights_are_refused() -> None:
    """A network that the package does not have is named with what it should have."""
    pytest.importorskip("mtcnn")
    with pytest.raises(ModelFileError, match=r"'qnet.lz4', expected one of pnet, rnet, onet"):
        package_weights("qnet")
