"""Which of Keras' back ends runs a float model here, and on what: a GPU where one is seen."""

import contextlib
import importlib
import importlib.util
import os
from types import ModuleType
from typing import Any

from faceage_models.frameworks import import_tensorflow
from faceage_models.keras_backend import BACKENDS, training_keras

__all__ = ["chosen_keras", "device_name", "use_threads"]


def chosen_keras() -> tuple[ModuleType, str]:
    """Import Keras on the back end that KERAS_BACKEND names, else the first that sees a GPU.

    Returns:
        The `keras` module and the back end's name: TensorFlow's where none sees a GPU, if it is
        installed.

    Raises:
        MissingExtraError: Keras, or every back end, is absent.
    """
    if not os.environ.get("KERAS_BACKEND"):
        seeing = next((name for name in BACKENDS if device_name(name) is not None), None)
        if seeing is not None:
            os.environ["KERAS_BACKEND"] = seeing
    keras = training_keras()
    return keras, str(keras.backend.backend())


def device_name(backend: str) -> str | None:
    """Return the GPU that a back end computes on, as "GPU: NAME", or None where it sees none."""
    if importlib.util.find_spec(BACKENDS[backend]) is None:
        return None
    name = {"tensorflow": _tensorflow, "jax": _jax, "torch": _torch}[backend]()
    return None if name is None else f"GPU: {name}"


def use_threads(backend: str, threads: int) -> None:
    """Let a back end compute with so many CPU threads, where it can be told."""
    if backend == "tensorflow":
        # It fixes its threads at its first computation and refuses afterwards.
        with contextlib.suppress(RuntimeError):
            import_tensorflow().config.threading.set_intra_op_parallelism_threads(threads)
    elif backend == "torch":
        _module("torch").set_num_threads(threads)


def _tensorflow() -> str | None:
    tf = import_tensorflow()
    found = tf.config.list_physical_devices("GPU")
    if not found:
        return None
    details = tf.config.experimental.get_device_details(found[0])
    return str(details.get("device_name", found[0].name))


def _jax() -> str | None:
    device = _module("jax").devices()[0]
    return str(device.device_kind) if device.platform in ("gpu", "cuda", "rocm") else None


def _torch() -> str | None:
    cuda = _module("torch").cuda
    return str(cuda.get_device_name(0)) if cuda.is_available() else None


def _module(name: str) -> Any:
    # By name: what is not installed here has no types to check.
    return importlib.import_module(name)
