"""The cut of training beside the device's."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from faceage_edge.crop import cut
from faceage_edge.errors import UsageError
from faceage_edge.geometry import FrameBox
from faceage_models.age_backbones import age_model
from faceage_models.age_heads import HEADS
from faceage_models.age_run_files import save_model
from faceage_models.keras_loading import load_keras
from faceage_models.region_cut import region_cut_class

SIDE = 48


def regions(count: int) -> np.ndarray:
    """As the network says them: sides of a third to two thirds, anywhere."""
    random = np.random.default_rng(4)
    sides = random.uniform(1 / 3, 2 / 3, (count, 2))
    first = random.uniform(0, 1, (count, 2)) * (1 - sides)
    return np.concatenate([first, first + sides], axis=1).astype(np.float32)


def test_it_is_the_devices_cut(keras: Any) -> None:
    """Of noise, which no shift by a part of a pixel would leave alike; at the edges too."""
    assert keras
    pictures = np.random.default_rng(4).integers(0, 256, (60, 64, 64, 3), np.uint8)
    edges = np.array([[0, 0, 0.5, 0.5], [0.5, 0.5, 1, 1], [-1, 0.3, 0.4, 2]], np.float32)
    where = np.concatenate([edges, regions(57)])
    ours = np.asarray(region_cut_class()(SIDE)([pictures.astype(np.float32), where]))
    assert ours.shape == (60, SIDE, SIDE, 3)
    for picture, region, piece in zip(pictures, np.clip(where, 0, 1), ours, strict=True):
        left, top, right, bottom = (64 * float(share) for share in region)
        box = FrameBox(left, top, right - left, bottom - top)
        # OpenCV adds two rows in quarters of a byte, each cut off, which is half a byte at most,
        # and rounds the sum, half a byte more: one off is allowed, two are not.
        np.testing.assert_allclose(cut(picture, box, SIDE, SIDE), piece, atol=1)


def test_where_to_look_is_learnt(keras: Any) -> None:
    """By the slope of what is seen: a region moves to where a picture is brighter."""
    layers = keras.layers
    pixels = keras.Input((64, 64, 3))
    middle = keras.initializers.Constant([-1.0, -1.0, 1.0, 1.0])
    where = layers.Dense(4, "sigmoid", kernel_initializer="zeros", bias_initializer=middle)
    piece = region_cut_class()(SIDE)([pixels, where(layers.GlobalAveragePooling2D()(pixels))])
    model = keras.Model(pixels, layers.GlobalAveragePooling2D()(piece))
    model.compile("sgd", loss="mse", run_eagerly=True)
    bright = np.repeat(np.linspace(0, 1, 64, dtype=np.float32)[None, None, :, None], 64, axis=1)
    bright = np.repeat(bright, 3, axis=-1)
    before = where.get_weights()[1]
    for _ in range(5):
        model.train_on_batch(bright, np.ones((1, 3), np.float32))
    left, top, right, bottom = where.get_weights()[1] - before
    # 64 pixels from dark to bright, of which no row differs from another.
    assert min(left, right) > 1e-3 > 1e-5 > max(abs(top), abs(bottom))


def test_a_model_with_it_is_read_without_running_code(keras: Any, tmp_path: Path) -> None:
    """The layer is known by name, and answers as before."""
    keras.utils.set_random_seed(5)
    options: dict[str, Any] = {"size": 64, "alpha": 0.1, "normalise": "caffe"}
    model = age_model("al-resnet-regions", HEADS["groups"], **options)
    save_model(model, tmp_path / "best.keras")
    read = load_keras(tmp_path / "best.keras", keras)
    assert type(read.get_layer("piece")) is region_cut_class()
    pixels = np.random.default_rng(5).uniform(-100, 140, (3, 64, 64, 3)).astype(np.float32)
    np.testing.assert_array_equal(np.asarray(read(pixels)), np.asarray(model(pixels)))
    said = keras.Model(model.input, model.get_layer("where").output)(pixels)
    # Untrained, half the face's width and height in its middle.
    np.testing.assert_allclose(np.asarray(said), [[0.25, 0.25, 0.75, 0.75]] * 3, atol=1e-6)


def test_pieces_that_would_have_other_numbers() -> None:
    """A picture's own mean is not its piece's."""
    with pytest.raises(UsageError, match="take another --normalise"):
        age_model("al-resnet-regions", HEADS["groups"], size=64, alpha=0.1, normalise="standardise")
