"""Weights as an .npz of `layer|weight` arrays: readable without Keras, in any version of it."""

import hashlib
import io
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faceage_edge.atomic import write_bytes
from faceage_edge.errors import ModelFileError

__all__ = [
    "UNREADABLE",
    "Weights",
    "load_layer_weights",
    "read_weights",
    "save_layer_weights",
    "weights_digest",
]

Weights = Mapping[str, NDArray[np.float32]]

# What numpy raises for a file that is no archive, cut short, damaged, or a lone array.
UNREADABLE = (
    OSError, ValueError, EOFError, KeyError, AttributeError, TypeError,
    zipfile.BadZipFile, zlib.error,
)  # fmt: skip


def read_weights(path: Path) -> dict[str, NDArray[np.float32]]:
    """Read an .npz of `layer|weight` arrays.

    Returns:
        `{"layer|weight": array}`, float32, in the file's order.

    Raises:
        ModelFileError: the file is missing, damaged, or holds other keys.
    """
    try:
        # Opened here, because numpy leaves the file open when it is no archive.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            weights = {key: np.asarray(archive[key], np.float32) for key in archive.files}
    except FileNotFoundError as error:
        raise ModelFileError(f"no weights file at {path}: give the path of an .npz file") from error
    except UNREADABLE as error:
        raise ModelFileError(
            f"{path} is not a readable .npz of arrays ({error}); fetch or write it again"
        ) from error
    if not weights or any(key.count("|") != 1 for key in weights):
        raise ModelFileError(
            f"{path} holds the keys {sorted(weights)[:3]}, expected 'layer|weight' keys such as "
            "'conv1|kernel'"
        )
    return weights


def weights_digest(path: Path) -> str:
    """Return the SHA-256 of the weights file's bytes, in hex."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def load_layer_weights(model: Any, path: Path) -> None:
    """Set all weights of a Keras model from an .npz.

    Args:
        model: built; its layers' names and its weights' names make the keys.
        path: as `save_layer_weights` wrote it.

    Raises:
        ModelFileError: the file is missing or damaged, or a weight is absent, left over, or of
            another shape.
    """
    weights = read_weights(path)
    wanted = {f"{layer.name}|{w.name}": w for layer in model.layers for w in layer.weights}
    if wrong := sorted(set(weights) ^ set(wanted)):
        raise ModelFileError(
            f"{path} is of another network than {model.name}: {len(wrong)} weights are only in one "
            f"of the two, such as {wrong[0]}; give the weights that were trained for it"
        )
    for key, variable in wanted.items():
        if weights[key].shape != tuple(variable.shape):
            raise ModelFileError(
                f"{path}: {key} has the shape {weights[key].shape}, expected "
                f"{tuple(variable.shape)}; give the weights that were trained for {model.name}"
            )
        variable.assign(weights[key])


def save_layer_weights(model: Any, path: Path) -> None:
    """Write all weights of a Keras model as float32; an earlier file stays until this one is whole.

    Args:
        model: a Keras model.
        path: .npz; its folder exists.

    Raises:
        OutputError: the file cannot be written.
    """
    arrays = {
        f"{layer.name}|{w.name}": np.asarray(w, np.float32)
        for layer in model.layers
        for w in layer.weights
    }
    data = io.BytesIO()
    np.savez(data, **arrays)  # type: ignore[arg-type]
    write_bytes(path, data.getvalue())
