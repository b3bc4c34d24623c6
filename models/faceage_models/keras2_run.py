"""A trained run on its way into Keras 2 files: what is read, what is copied, what is written."""

import json
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from faceage_edge.errors import ModelFileError, missing_extra
from faceage_models.frameworks import import_keras, native_log
from faceage_models.keras_loading import load_keras

__all__ = ["Run", "copy_weights", "read_run", "write_h5"]


@dataclass(frozen=True)
class Run:
    """A folder of `faceage-train`: its options, its contract as JSON, its best model (Keras 3)."""

    options: dict[str, Any]
    contract: dict[str, Any]
    trained: Any


def read_run(folder: Path) -> tuple[ModuleType, Run]:
    """Read a run.

    Args:
        folder: of `faceage-train`: `best.keras`, `best.json` and `train.json` are read.

    Returns:
        tf_keras, and the run.

    Raises:
        ModelFileError: the folder is none.
        MissingExtraError: Keras or tf_keras is not installed.
    """
    keras = import_keras()
    try:
        import tf_keras
    except ImportError as error:
        raise missing_extra("tf_keras", "train") from error
    try:
        options = json.loads((folder / "train.json").read_bytes())["options"]
        contract = json.loads((folder / "best.json").read_bytes())
    except (OSError, ValueError, KeyError) as error:
        raise ModelFileError(f"{folder} is no folder of faceage-train: {error}") from error
    return tf_keras, Run(options, contract, load_keras(folder / "best.keras", keras))


def copy_weights(trained: Any, model: Any, head: Mapping[str, list[Any]]) -> None:
    """Give a model the weights of a trained one, layer by layer.

    Args:
        trained: of Keras 3.
        model: of tf_keras.
        head: instead, the weights of layers of the model, by name.

    Raises:
        ModelFileError: the trained model lacks a layer.
    """
    known = {layer.name: layer for layer in trained.layers}
    for layer in model.layers:
        weights = head.get(layer.name)
        if weights is None and layer.weights:
            if layer.name not in known:
                raise ModelFileError(f"the trained model has no layer {layer.name!r}")
            weights = known[layer.name].get_weights()
        if weights:
            layer.set_weights([np.asarray(value) for value in weights])


def write_h5(model: Any, path: Path, contract: Mapping[str, Any]) -> None:
    """Write a model of tf_keras as `.h5`, and its contract beside it as `.contract.json`."""
    beside = path.with_name(f".{path.stem}.new.h5")
    with warnings.catch_warnings(), native_log():
        warnings.filterwarnings("ignore", ".*HDF5 file", UserWarning)
        model.save(beside)
    beside.replace(path)
    path.with_suffix(".contract.json").write_text(json.dumps(contract, indent=1) + "\n")
