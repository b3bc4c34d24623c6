"""Small sets of made-up faces, as folders and archives."""

import io
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path

import cv2
import numpy as np
import pytest

from faceage_calibration.faces import FaceSet, LabelledFace
from faceage_calibration.labels import Label
from faceage_calibration.pictures import MemorySource

Files = Mapping[str, bytes]


def _picture(number: int = 0, *, side: int = 24, suffix: str = ".png") -> bytes:
    colour = (number * 37 % 256, number * 101 % 256, number // 7 % 256)
    pixels = np.full((side, side, 3), colour, dtype=np.uint8)
    return cv2.imencode(suffix, pixels)[1].tobytes()


def _tar(files: Files, mode: str = "w") -> bytes:
    target = io.BytesIO()
    # tarfile's types want the mode spelled out.
    with tarfile.open(fileobj=target, mode=mode) as archive:  # type: ignore[call-overload]
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return target.getvalue()


@pytest.fixture(scope="session")
def picture() -> Callable[..., bytes]:
    """Return a function that encodes a one-coloured picture; another number, other bytes."""
    return _picture


@pytest.fixture(scope="session")
def pictures() -> Callable[..., dict[str, bytes]]:
    """Return a function that makes a picture file for each name, no two alike."""

    def make(*names: str, side: int = 24, start: int = 0) -> dict[str, bytes]:
        return {name: _picture(number, side=side) for number, name in enumerate(names, start)}

    return make


@pytest.fixture(scope="session")
def face_set() -> Callable[..., FaceSet]:
    """Return a function that makes a set in memory with one face for each label."""

    def make(*labels: Label, side: int = 24) -> FaceSet:
        faces = tuple(
            LabelledFace(
                f"{number}.png",
                f"{number:08x}" * 8,
                label,
                MemorySource(_picture(number, side=side)),
            )
            for number, label in enumerate(labels)
        )
        return FaceSet(Path("made-up"), "utkface", "utkface", faces)

    return make


@pytest.fixture(scope="session")
def tar_bytes() -> Callable[..., bytes]:
    """Return a function that packs files into a tar archive; mode w:gz compresses it."""
    return _tar


@pytest.fixture
def write_folder(tmp_path: Path) -> Callable[[Files], Path]:
    """Return a function that writes files by relative name and returns their folder."""

    def write(files: Files) -> Path:
        folder = tmp_path / "set"
        folder.mkdir()
        for name, data in files.items():
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
        return folder

    return write


@pytest.fixture
def write_tar(tmp_path: Path) -> Callable[[Files], Path]:
    """Return a function that writes files into a tar archive and returns its path."""

    def write(files: Files) -> Path:
        path = tmp_path / "set.tar"
        path.write_bytes(_tar(files))
        return path

    return write
