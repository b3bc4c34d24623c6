"""Import what quantization-aware training needs, or say which extra brings it.

tensorflow-model-optimization takes models of tf_keras (Keras 2) alone. Both live beside Keras 3 in
one process: tf_keras is a package of its own, and the one thing that its import leaves behind, an
environment variable that would turn `tf.keras` into tf_keras, is put back.
"""

import importlib
import os
import warnings
from importlib.metadata import version
from types import ModuleType

from faceage_edge.errors import UsageError, missing_extra
from faceage_models.frameworks import import_tensorflow, native_log
from faceage_models.keras_backend import training_keras

__all__ = ["import_qat", "qat_versions"]

_EXTRA = "qat"
_LEGACY = "TF_USE_LEGACY_KERAS"


def import_qat() -> tuple[ModuleType, ModuleType]:
    """Import tf_keras and tensorflow-model-optimization.

    Returns:
        `tf_keras` and `tensorflow_model_optimization.quantization.keras`.

    Raises:
        MissingExtraError: one of the two is not installed.
        UsageError: Keras 3 is on another back end than TensorFlow's.
    """
    backend = training_keras().backend.backend()
    if backend != "tensorflow":
        raise UsageError(
            f"--qat trains with TensorFlow, found KERAS_BACKEND={backend}: set it to tensorflow"
        )
    # Loads `tf.keras` as Keras 3 for good: it is chosen when it is first looked at.
    _ = import_tensorflow().keras.layers
    tf_keras = _imported("tf_keras")
    before = os.environ.get(_LEGACY)
    try:
        tfmot = _imported("tensorflow_model_optimization", "tensorflow-model-optimization")
    finally:
        os.environ.pop(_LEGACY, None)
        if before is not None:
            os.environ[_LEGACY] = before
    quantization: ModuleType = tfmot.quantization.keras
    return tf_keras, quantization


def _imported(module: str, package: str | None = None) -> ModuleType:
    try:
        with native_log(), warnings.catch_warnings():
            # tfmot 0.8.1 reads versions by distutils.
            warnings.simplefilter("ignore", DeprecationWarning)
            return importlib.import_module(module)
    except ImportError as error:
        raise missing_extra(package or module, _EXTRA) from error


def qat_versions() -> dict[str, str]:
    """Versions of the two, by name."""
    return {name: version(name) for name in ("tf-keras", "tensorflow-model-optimization")}
