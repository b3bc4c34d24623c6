"""What the tests of the conversion share: drawn faces, edited float models, the command."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from faceage_convert.cli import main
from faceage_edge.golden import golden_picture
from faceage_models.tflite_graph import load_graph, save_graph


@dataclass(frozen=True)
class Outcome:
    """What one run of the command gave: its exit code and what it printed."""

    code: int
    out: str
    err: str


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Landmarks that a test finds are not left in the user's cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture
def convert(capfd: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    """Return a function that runs faceage-convert with arguments of any kind."""

    def run(*arguments: object) -> Outcome:
        capfd.readouterr()
        try:
            code = main([str(argument) for argument in arguments])
        except SystemExit as stop:  # argparse's own way of refusing
            assert isinstance(stop.code, int)
            code = stop.code
        printed = capfd.readouterr()
        return Outcome(code, printed.out, printed.err)

    return run


def _face(number: int, side: int = 128) -> npt.NDArray[np.uint8]:
    """Draw a face: another number, another light, complexion, place and grain."""
    random = np.random.default_rng(number)
    face = golden_picture("face", side, side).astype(np.float64)
    face = face * random.uniform(0.5, 1.3, 3) + random.integers(-40, 40, (1, 1, 3))
    face = np.roll(face, random.integers(-side // 8, side // 8, 2), (0, 1))
    return (face + random.integers(-12, 12, face.shape)).clip(0, 255).astype(np.uint8)


@pytest.fixture(scope="session")
def face_crops() -> npt.NDArray[np.uint8]:
    """Twenty-four drawn faces in the shipped model's size, uint8 (24, 128, 128, 3), BGR."""
    return np.stack([_face(number) for number in range(24)])


def _write_faces(
    path: Path, count: int, start: int = 0, name: str = "{age}_{gender}_{race}_2017{n:08d}.jpg"
) -> Path:
    path.mkdir()
    for n in range(start, start + count):
        shown = name.format(age=n * 7 % 100, gender=n % 2, race=n % 5, n=n)
        (path / shown).write_bytes(cv2.imencode(".jpg", _face(n))[1].tobytes())
    return path


@pytest.fixture(scope="session")
def faces_in() -> Callable[..., Path]:
    """Return a function that makes a folder of drawn faces under UTKFace names.

    Ages go round from 0 to 99; `name` may use {age}, {gender}, {race} and {n}, the face's number.
    """
    return _write_faces


@pytest.fixture
def write_faces(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that makes such a folder for this test, by default called `faces`."""

    def write(count: int, *, folder: str = "faces", **more: Any) -> Path:
        return _write_faces(tmp_path / folder, count, **more)

    return write


def _weights_behind(data: bytes) -> bytes:
    """Move every large buffer behind the flatbuffer, as files above 2 GB keep them."""
    model = load_graph(data)
    large = [b for b in model.buffers if b.data is not None and len(b.data) > 1000]
    parts = [bytes(buffer.data) for buffer in large]
    for buffer, part in zip(large, parts, strict=True):
        # Any offset takes eight bytes, so the real ones fit in afterwards.
        buffer.data, buffer.offset, buffer.size = None, 1 << 30, len(part)
    packed = bytearray(save_graph(model))
    for buffer, part in zip(large, parts, strict=True):
        packed += bytes(-len(packed) % 16)
        buffer.offset = len(packed)
        packed += part
    front = save_graph(model)
    return front + bytes(packed[len(front) :])


@pytest.fixture(scope="session")
def weights_behind() -> Callable[[bytes], bytes]:
    """Return a function that moves a model's weights behind the flatbuffer."""
    return _weights_behind
