"""The pilot's weights, and its input re-expressed as (u8 - 128) / 128."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from faceage_edge.errors import ModelFileError
from faceage_models.coral import fuse_head
from faceage_models.layer_weights import read_weights
from faceage_models.pilot import fold_input, load_pilot, pilot_model

_PILOT = "weights/pilot_mobilenet_0.75_128_coral.npz"


def _write(path: Path, **arrays: Any) -> Path:
    np.savez(path, allow_pickle=False, **arrays)
    return path


def _cut_short(path: Path) -> Path:
    _write(path, **{"conv1|kernel": np.zeros((3, 3, 3, 8))})
    path.write_bytes(path.read_bytes()[:200])
    return path


def _lone_array(path: Path) -> Path:
    with path.open("wb") as file:
        np.save(file, np.zeros(3))
    return path


def _random(path: Path) -> Path:
    path.write_bytes(np.random.default_rng(0).bytes(500))
    return path


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: path, "no weights file"),
        (_random, "not a readable .npz"),
        (_cut_short, "not a readable .npz"),
        (_lone_array, "not a readable .npz"),
        (lambda path: _write(path, weights=np.zeros(3)), "expected 'layer|weight' keys"),
    ],
    ids=["missing", "random bytes", "cut short", "a lone array", "other keys"],
)
def test_unusable_weights_files(make: Callable[[Path], Path], message: str, tmp_path: Path) -> None:
    """Each kind of wrong file is told apart in the message."""
    path = make(tmp_path / "weights.npz")
    with pytest.raises(ModelFileError, match=message.replace("|", r"\|")):
        read_weights(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda w: w.pop("rank_bias|bias"), "lack .* 'rank_bias"),
        (lambda w: w.pop("conv_dw_3|kernel"), "'conv_dw_3.kernel' is absent"),
        (
            lambda w: w.update({"conv_pw_1|kernel": np.zeros((2, 2))}),
            r"has shape \(2, 2\), expected",
        ),
        (lambda w: w.update({"extra|kernel": np.zeros(1)}), "fit no layer of the network"),
    ],
    ids=["no biases", "a layer absent", "wrong shape", "left over"],
)
def test_weights_must_fit(
    small_weights: dict[str, Any], change: Callable[[dict[str, Any]], None], message: str
) -> None:
    """Weights that do not fit the network are named."""
    change(small_weights)
    with pytest.raises(ModelFileError, match=message):
        pilot_model(small_weights, size=32)


def test_folded_input_equals_the_original_inside(keras: Any, small_weights: dict[str, Any]) -> None:
    """Away from the padding the first layer sees the same; on it the half step of padded taps."""
    model = pilot_model(small_weights, size=32)
    first = keras.Model(model.input, model.get_layer("conv1_bn").output)
    bytes_ = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3)).astype(np.float32)
    old = np.asarray(first(bytes_ / 127.5 - 1))
    kernel = np.asarray(model.get_layer("conv1").kernel)
    norm = model.get_layer("conv1_bn")
    gain = np.abs(norm.gamma) / np.sqrt(np.asarray(norm.moving_variance) + norm.epsilon)
    fold_input(model)
    new = np.asarray(first((bytes_ - 128) / 128))
    np.testing.assert_allclose(new[:, :-1, :-1], old[:, :-1, :-1], atol=1e-5)
    # At most all taps are padded, each off by 0.5 / 127.5.
    bound = 0.5 / 127.5 * np.abs(kernel).sum(axis=(0, 1, 2)) * gain
    assert (np.abs(new - old) <= bound + 1e-5).all()


def test_load_pilot_is_folded_and_fused(keras: Any, pilot_file: Path) -> None:
    """The file on disk becomes a model of plain layers whose output is "ranks"."""
    model = load_pilot(pilot_file, size=32)
    assert model.layers[-1].name == "ranks"
    assert model.output_shape == (None, 100)


def test_real_pilot_has_falling_ranks(keras: Any, shared_data: Path) -> None:
    """The shipped weights load, and no picture makes them contradict themselves."""
    model = fuse_head(pilot_model(read_weights(shared_data / _PILOT)))
    pixels = np.random.default_rng(0).uniform(-1, 1, (2, 128, 128, 3)).astype(np.float32)
    assert (np.diff(np.asarray(model(pixels)), axis=1) < 0).all()
