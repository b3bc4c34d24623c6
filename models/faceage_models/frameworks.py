"""Import Keras and TensorFlow quietly, or say which extra brings them."""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import IO

from faceage_edge.errors import missing_extra

__all__ = ["import_keras", "import_tensorflow", "native_log"]

_EXTRA = "train"


@contextmanager
def native_log() -> Iterator[IO[bytes]]:
    """Send what native code prints on stderr to a file, for as long as the context is open.

    Yields:
        The file, opened for reading and writing; it is gone afterwards.
    """
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as log:
        os.dup2(log.fileno(), 2)
        try:
            yield log
        finally:
            sys.stderr.flush()
            os.dup2(kept, 2)
            os.close(kept)


def import_tensorflow() -> ModuleType:
    """Import TensorFlow with its start-up chatter switched off.

    Returns:
        The `tensorflow` module.

    Raises:
        MissingExtraError: TensorFlow is not installed.
    """
    # Both are read once, when the native library loads; a user's own setting wins.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
    try:
        # The search for CUDA reports before the log level is read.
        with native_log():
            import tensorflow
    except ImportError as error:
        raise missing_extra("tensorflow", _EXTRA) from error
    tensorflow.get_logger().setLevel("ERROR")
    module: ModuleType = tensorflow
    return module


def import_keras() -> ModuleType:
    """Import Keras 3 on its TensorFlow backend.

    Returns:
        The `keras` module.

    Raises:
        MissingExtraError: Keras or TensorFlow is not installed.
    """
    # The export to .tflite exists for this backend only, whatever else the user trains with.
    os.environ["KERAS_BACKEND"] = "tensorflow"
    import_tensorflow()
    try:
        with native_log():
            import keras
    except ImportError as error:
        raise missing_extra("keras", _EXTRA) from error
    module: ModuleType = keras
    return module
