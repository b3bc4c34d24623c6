"""Heavy packages come in quietly, or with the command that installs them."""

import builtins
import os
from typing import Any

import pytest

from faceage_edge.errors import MissingExtraError
from faceage_models.frameworks import import_keras, import_tensorflow, native_log


@pytest.mark.parametrize(
    ("load", "module"),
    [(import_tensorflow, "tensorflow"), (import_keras, "tensorflow")],
    ids=["TensorFlow itself", "Keras names the backend that is missing"],
)
def test_missing_package_names_the_extra(
    load: Any, module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without TensorFlow the error names the package and the extra."""
    real = builtins.__import__

    def refuse(name: str, *rest: Any, **options: Any) -> Any:
        if name.split(".")[0] in ("tensorflow", "keras"):
            raise ImportError(name)
        return real(name, *rest, **options)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(MissingExtraError, match=rf"'{module}'.*faceage\[train\]"):
        load()


def test_native_log_catches_what_native_code_prints(capfd: pytest.CaptureFixture[str]) -> None:
    """What goes to file descriptor 2 lands in the log while it is open, and on stderr after."""
    with native_log() as log:
        os.write(2, b"chatter")
        log.seek(0)
        assert log.read() == b"chatter"
    os.write(2, b"after")
    assert capfd.readouterr().err == "after"


def test_keras_runs_on_tensorflow(keras: Any) -> None:
    """The export needs the TensorFlow backend, whatever the environment asks for."""
    assert keras.backend.backend() == "tensorflow"
