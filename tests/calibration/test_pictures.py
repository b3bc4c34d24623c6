"""Picture files: recognised by their bytes, decoded on demand."""

import struct
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from faceage_calibration import pictures as module
from faceage_calibration.pictures import FileSource, SliceSource, decode_picture, is_picture
from faceage_edge.errors import FacesError


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".bmp", ".webp"])
def test_kinds_of_pictures(picture: Callable[..., bytes], suffix: str) -> None:
    """JPEG, PNG, BMP and WebP are recognised and become uint8 BGR of their size."""
    data = picture(3, side=16, suffix=suffix)
    decoded = decode_picture(data, "a")
    assert is_picture(data[:12])
    assert (decoded.shape, decoded.dtype) == ((16, 16, 3), np.uint8)
    # One colour, (111, 47, 0) in BGR; JPEG and WebP keep it within a few steps.
    assert np.abs(decoded.astype(int) - (111, 47, 0)).max() <= 8


@pytest.mark.parametrize(
    "head",
    [b"", b"BM is a text", b"<html>", b"GIF89a", b"RIFF\0\0\0\0WAVE", b"\x89PNG", b"MZ\x90\0"],
)
def test_what_is_no_picture(head: bytes) -> None:
    """Other files are told from pictures by their first bytes, and refused when decoded."""
    assert not is_picture(head)
    with pytest.raises(FacesError, match=r"^a\.jpg is not a picture; expected JPEG"):
        decode_picture(head + bytes(100), "a.jpg")


@pytest.mark.parametrize(
    "white",
    [
        pytest.param(np.full((8, 9, 1), 255, np.uint8), id="grey"),
        pytest.param(np.full((8, 9, 4), 255, np.uint8), id="with transparency"),
        pytest.param(np.full((8, 9, 3), 65535, np.uint16), id="16 bits"),
    ],
)
def test_other_pixels_become_bgr(white: npt.NDArray[np.integer]) -> None:
    """Grey, transparent and deep pictures become three channels of 8 bits."""
    decoded = decode_picture(cv2.imencode(".png", white)[1].tobytes(), "a")
    assert (decoded.shape, decoded.dtype, int(decoded.min())) == ((8, 9, 3), np.uint8, 255)


def test_exif_orientation_is_applied() -> None:
    """A picture that its EXIF turns by 90 degrees is turned."""
    plain = cv2.imencode(".jpg", np.zeros((8, 32, 3), np.uint8))[1].tobytes()
    tag = struct.pack("<2sHIHHHIII", b"II", 42, 8, 1, 0x0112, 3, 1, 6, 0)
    body = b"Exif\0\0" + tag
    segment = b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body
    assert decode_picture(plain, "a").shape == (8, 32, 3)
    assert decode_picture(plain[:2] + segment + plain[2:], "a").shape == (32, 8, 3)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".bmp", ".webp"])
def test_damaged_pictures_are_refused(suffix: str) -> None:
    """A picture cut short is an error, not a picture that is half grey."""
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    data = cv2.imencode(suffix, noise)[1].tobytes()
    with pytest.raises(FacesError, match=r"^a\.img is a .*(cut short|damaged)"):
        decode_picture(data[: len(data) // 4], "a.img")


def test_bytes_behind_a_jpeg_do_no_harm(picture: Callable[..., bytes]) -> None:
    """Cameras append data to a JPEG; the picture is still whole."""
    data = picture(1, suffix=".jpg")
    assert (decode_picture(data + b"appended", "a") == decode_picture(data, "a")).all()


def test_a_huge_file_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file larger than any picture is refused by its size."""
    monkeypatch.setattr(module, "LARGEST_FILE", 10)
    path = tmp_path / "a.jpg"
    path.write_bytes(bytes(11))
    with pytest.raises(OSError, match="11 bytes are more than the 10 allowed"):
        FileSource(path).read()


def test_a_slice_notices_a_shorter_file(tmp_path: Path) -> None:
    """A member of an archive that shrank since it was listed is not read as half."""
    path = tmp_path / "a.tar"
    path.write_bytes(b"0123456789")
    assert SliceSource(path, 2, 3).read() == b"234"
    with pytest.raises(OSError, match="cut short"):
        SliceSource(path, 8, 3).read()
