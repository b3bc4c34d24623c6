"""Converters that live in environments of their own."""

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from faceage_convert import foreign_import, isolated
from faceage_convert.foreign_import import float_foreign
from faceage_edge.errors import FaceageError, ModelFileError


def test_pins_are_exact() -> None:
    """Every line of both files pins a version, so that an environment is known by them."""
    for kind in ("torch", "onnx"):
        lines = isolated.pins_of(kind).read_text().splitlines()
        pins = [line for line in lines if not line.startswith("#")]
        assert pins and all("==" in line for line in pins)
    with pytest.raises(FaceageError, match=r"import-jax\.txt, the pins of the jax converter, is"):
        isolated.pins_of("jax")


def test_an_environment_that_cannot_be_made(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The installer's last words are in the message, and nothing half made is left."""
    pins = tmp_path / "import-torch.txt"
    pins.write_text("no-such-package-of-ours==0.0.0\n")
    made = []

    def create(home: Path, *, with_pip: bool) -> None:
        assert isinstance(with_pip, bool)
        home.mkdir()
        made.append(home)

    def refuse(command: list[str], _seconds: int) -> Any:
        assert str(pins) in command
        return SimpleNamespace(returncode=1, stdout="fetching\nno network today\n")

    monkeypatch.setattr(isolated, "pins_of", lambda _kind: pins)
    monkeypatch.setattr("venv.create", create)
    monkeypatch.setattr(isolated, "_run", refuse)
    with pytest.raises(FaceageError, match=r"cannot install the torch converter.*no network today"):
        isolated.environment("torch")
    assert made and not made[0].exists()


def fake_converter(monkeypatch: pytest.MonkeyPatch, program: str, tmp_path: Path) -> None:
    """Run a program of the test's with this Python in the place of the real ones."""
    folder = tmp_path / "foreign"
    folder.mkdir()
    (folder / "torch_program.py").write_text(program)
    monkeypatch.setattr(isolated, "environment", lambda _kind: Path(sys.executable))
    monkeypatch.setattr(isolated, "__file__", str(tmp_path / "isolated.py"))


def test_a_converter_that_refuses(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Its last line is the reason."""
    fake_converter(monkeypatch, "import sys\nprint('busy')\nsys.exit('it takes a poem')", tmp_path)
    model = tmp_path / "model.pt2"
    model.write_bytes(b"program")
    with pytest.raises(ModelFileError, match=r"model\.pt2 cannot be converted.*it takes a poem"):
        float_foreign(model)
    with pytest.raises(ModelFileError, match=r"cannot read .*none\.pt2"):
        float_foreign(tmp_path / "none.pt2")


@pytest.fixture
def two_headed(tmp_path: Path) -> tuple[bytes, np.ndarray, dict[str, np.ndarray]]:
    """A float .tflite of two outputs of one size, pictures, and what it says of them."""
    pytest.importorskip("tensorflow", reason="needs TensorFlow: pip install '.[train]'")
    from faceage_models.frameworks import import_keras
    from faceage_models.tflite_export import to_tflite

    keras = import_keras()
    keras.utils.set_random_seed(2)
    picture = keras.Input((8, 8, 3))
    mean = keras.layers.GlobalAveragePooling2D()(picture)
    heads = {name: keras.layers.Dense(2, name=name)(mean) for name in ("first", "second")}
    model = keras.Model(picture, heads)
    pixels = np.random.default_rng(0).uniform(-1, 1, (1, 8, 8, 3)).astype(np.float32)
    answers = {name: np.asarray(value) for name, value in model(pixels).items()}
    return to_tflite(model), pixels, answers


def test_outputs_are_known_by_what_they_answer(
    two_headed: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Whatever the converter called them; an answer that differs from the original's is refused."""
    data, pixels, answers = two_headed
    model = tmp_path / "model.onnx"
    model.write_bytes(b"program")
    wanted = {"gender": answers["second"], "ages": answers["first"]}

    def convert(_kind: str, _model: Path, out: Path) -> None:
        (out / "model.tflite").write_bytes(data)
        np.save(out / "pictures.npy", pixels)
        np.savez(out / "answers.npz", **wanted)

    monkeypatch.setattr(foreign_import, "run_foreign", convert)
    read = float_foreign(model)
    assert read.difference is not None and read.difference < 1e-5 and read.kind == "foreign"
    from faceage_models.same_answers import tflite_answers

    found = tflite_answers(read.data, pixels, "model")
    for name, answer in wanted.items():
        np.testing.assert_allclose(found[name], answer, atol=1e-5)
    wanted["ages"] = wanted["ages"] + 0.1
    with pytest.raises(ModelFileError, match=r"answers otherwise as \.tflite than in its own"):
        float_foreign(model)
