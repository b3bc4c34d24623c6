"""Load a user's Keras model from any file that Keras ever wrote, or say why not.

- `.keras`: Keras 3, else tf_keras where installed;
- `.h5`: Keras 3 or Keras 2, the latter through tf_keras where Keras 3 refuses;
- `.h5` of weights alone with the architecture beside it as `.json` of the same name.

No code that a file carries is run: Lambda layers are refused, but for those functions of published
models that `known_layers` has rebuilt. Our own `CoralHead` and `RegionCut` are known.
"""

import importlib
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from faceage_edge.errors import ModelFileError
from faceage_models.coral import coral_head_class
from faceage_models.frameworks import import_keras, native_log
from faceage_models.known_layers import custom_objects, known_config
from faceage_models.region_cut import region_cut_class

__all__ = ["architecture_beside", "load_keras"]

_ZIP_MARK = b"PK\x03\x04"
_H5_MARK = b"\x89HDF\r\n\x1a\n"
_SUFFIXES = {_ZIP_MARK: (".keras",), _H5_MARK: (".h5", ".hdf5", ".keras")}
_REASON_LENGTH = 200
_LEGACY_HINT = "files of Keras 2 also need tf_keras: pip install tf-keras==2.21.*"


def load_keras(path: Path, framework: ModuleType | None = None) -> Any:
    """Load a Keras model for inference.

    Args:
        path: a `.keras`, `.h5` or `.hdf5` file.
        framework: Keras 3 on another back end than TensorFlow's.

    Returns:
        The model, of Keras 3 or of tf_keras.

    Raises:
        ModelFileError: missing, damaged or foreign file; weights without an architecture; a layer
            that is not Keras' own; code in the file.
        MissingExtraError: Keras is not installed.
    """
    _check_kind(path)
    keras = framework or import_keras()
    for own in (coral_head_class, region_cut_class):
        own()  # registers it, so that a file may refer to it
    architecture = architecture_beside(path)
    config, known = _config(path, architecture)
    problems = []
    for one in (keras, _legacy()):
        if one is None:
            problems.append(_LEGACY_HINT)
            continue
        try:
            with native_log():
                # A whole file is loaded as a whole, unless something in it must be replaced.
                if config is not None and (architecture or known):
                    return _from_config(one, path, config)
                return _whole(one, path)
        except Exception as error:  # Keras raises what its layers raise, of any kind
            problems.append(f"{one.__name__}: {_reason(error)}")
    raise _refusal(path, problems)


def architecture_beside(path: Path) -> Path | None:
    """Return the `.json` that belongs to an `.h5` file of weights alone, or None.

    Raises:
        ModelFileError: the `.h5` is damaged, or holds weights alone with no `.json` beside it.
    """
    if _mark(path) != _H5_MARK:
        return None
    import h5py

    try:
        with h5py.File(path) as file:
            if "model_config" in file.attrs:
                return None
    except OSError as error:
        raise ModelFileError(
            f"{path} is a damaged or cut short HDF5 file ({_reason(error)}); copy it again"
        ) from error
    beside = path.with_suffix(".json")
    if not beside.is_file():
        raise ModelFileError(
            f"{path} holds weights without a model: save the whole model (model.save), or put its "
            f"architecture (model.to_json) beside it as {beside.name}"
        )
    return beside


def _mark(path: Path) -> bytes:
    """Return the mark of the file's kind, or its first bytes where that is not Keras'."""
    try:
        with path.open("rb") as file:
            start = file.read(8)
    except OSError as error:
        raise ModelFileError(
            f"cannot read the model {path}: {error.strerror or error}; check the path"
        ) from error
    return next((mark for mark in _SUFFIXES if start.startswith(mark)), start)


def _check_kind(path: Path) -> None:
    mark = _mark(path)
    if mark not in _SUFFIXES:
        found = f"a file that starts with {mark.hex(' ')}" if mark else "an empty file"
        raise ModelFileError(
            f"{path} is not a Keras file: found {found}, expected .keras (a zip archive) or .h5 "
            "(HDF5); give a file that model.save wrote, or a float .tflite"
        )
    if path.suffix not in _SUFFIXES[mark]:
        raise ModelFileError(
            f"{path} has the content of a {_SUFFIXES[mark][0]} file but is called {path.suffix!r}; "
            f"Keras goes by the name: rename it to {path.with_suffix(_SUFFIXES[mark][0]).name}"
        )
    if mark == _ZIP_MARK:
        _check_archive(path)


def _check_archive(path: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            damaged = archive.testzip()
    except (zipfile.BadZipFile, OSError, EOFError, NotImplementedError, RuntimeError) as error:
        raise ModelFileError(
            f"{path} is a damaged or cut short .keras archive ({error}); copy it again"
        ) from error
    if damaged:
        raise ModelFileError(f"{path} is damaged: {damaged} fails its checksum; copy it again")
    if "config.json" not in names:
        raise ModelFileError(
            f"{path} is a zip archive but no Keras model: it holds {names[:3]}, expected "
            "config.json; give a file that model.save wrote"
        )


def _legacy() -> ModuleType | None:
    """Import tf_keras, which reads what Keras 2 wrote, where it is installed."""
    try:
        with native_log():
            return importlib.import_module("tf_keras")
    except ImportError:
        return None


def _whole(framework: ModuleType, path: Path) -> Any:
    return framework.models.load_model(path, compile=False, safe_mode=True)


def _config(path: Path, architecture: Path | None) -> tuple[str | None, bool]:
    """The architecture of an `.h5`, with what `known_layers` replaces in it, and whether it did."""
    if _mark(path) != _H5_MARK:
        return None, False
    if architecture is not None:
        text: str | bytes = architecture.read_text(encoding="utf-8")
    else:
        import h5py

        with h5py.File(path) as file:
            text = file.attrs["model_config"]
    return known_config(text.decode() if isinstance(text, bytes) else str(text), path)


def _from_config(framework: ModuleType, path: Path, config: str) -> Any:
    build: Callable[..., Any] = framework.models.model_from_json
    model = build(config, custom_objects=custom_objects(framework))
    model.load_weights(str(path))
    return model


def _reason(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[0] if lines else type(error).__name__)[:_REASON_LENGTH].rstrip(".")


def _refusal(path: Path, problems: list[str]) -> ModelFileError:
    if any("ambda" in problem for problem in problems):
        return ModelFileError(
            f"{path} holds a Lambda layer, which is Python code, and code from a file is not run: "
            "write it with Keras layers (Rescaling, Activation) or give a float .tflite"
        )
    return ModelFileError(
        f"{path} cannot be loaded as a Keras model ({'; '.join(problems)}); if it has layers of "
        "your own, export it as a SavedModel folder or a float .tflite"
    )
