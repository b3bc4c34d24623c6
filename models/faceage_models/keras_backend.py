"""Keras for training, on whichever back end is there.

Exporting to .tflite needs TensorFlow's (`frameworks.import_keras`); training does not, and a host
with a GPU may have only JAX's or PyTorch's. The environment variable KERAS_BACKEND chooses.
"""

import importlib.util
import os
from types import ModuleType

from faceage_edge.errors import missing_extra
from faceage_models.frameworks import import_keras

__all__ = ["BACKENDS", "training_keras"]

# By the package each needs, in the order they are looked for.
BACKENDS = {"tensorflow": "tensorflow", "jax": "jax", "torch": "torch"}


def training_keras() -> ModuleType:
    """Import Keras 3 on the back end that KERAS_BACKEND names, else on the first that is installed.

    Raises:
        MissingExtraError: Keras, or every back end, is absent.
    """
    backend = os.environ.get("KERAS_BACKEND") or _installed()
    if backend == "tensorflow":
        return import_keras()
    os.environ["KERAS_BACKEND"] = backend
    try:
        import keras
    except ImportError as error:
        raise missing_extra("keras", "train") from error
    module: ModuleType = keras
    return module


def _installed() -> str:
    for backend, package in BACKENDS.items():
        if importlib.util.find_spec(package) is not None:
            return backend
    raise missing_extra("tensorflow", "train")
