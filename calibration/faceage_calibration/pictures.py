"""Where a picture's bytes are, what kind of picture they are, and the pixels in them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
import numpy.typing as npt

from faceage_edge.errors import FacesError

__all__ = [
    "LARGEST_FILE",
    "PICTURE_SUFFIXES",
    "FileSource",
    "MemorySource",
    "Picture",
    "PictureSource",
    "SliceSource",
    "decode_picture",
    "is_picture",
    "suffix_of",
]

Picture = npt.NDArray[np.uint8]

PICTURE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp"})
# A 100-megapixel JPEG stays below this; a "picture" above it is a mistake or an attack.
LARGEST_FILE = 64 << 20

_JPEG = b"\xff\xd8\xff"
_SCAN_START, _END_OF_IMAGE = b"\xff\xda", b"\xff\xd9"


class PictureSource(Protocol):
    """Something that yields the bytes of one file, each time it is asked."""

    def read(self) -> bytes:
        """Return the whole file; OSError when it cannot be read."""


@dataclass(frozen=True)
class FileSource:
    """A file of its own."""

    path: Path

    def read(self) -> bytes:
        """Return the whole file; OSError when it cannot be read or is larger than any picture."""
        if (size := self.path.stat().st_size) > LARGEST_FILE:
            raise OSError(f"its {size:,} bytes are more than the {LARGEST_FILE:,} allowed")
        return self.path.read_bytes()


@dataclass(frozen=True)
class SliceSource:
    """A run of bytes in a larger file: a member of an archive that is not compressed."""

    path: Path
    offset: int
    size: int

    def read(self) -> bytes:
        """Return the bytes; OSError when the file has become shorter."""
        with self.path.open("rb") as file:
            file.seek(self.offset)
            data = file.read(self.size)
        if len(data) != self.size:
            raise OSError("the archive has been cut short since it was opened")
        return data


@dataclass(frozen=True)
class MemorySource:
    """Bytes that are held in memory: a member of a compressed archive."""

    data: bytes

    def read(self) -> bytes:
        """Return the bytes."""
        return self.data


def is_picture(head: bytes) -> bool:
    """Tell by a file's first 12 bytes whether it is a JPEG, PNG, BMP or WebP picture.

    Names do not decide: one picture of UTKFace ends in "jpg" without a dot, and a web page saved
    as face.jpg is no picture.
    """
    return (
        head.startswith((_JPEG, b"\x89PNG\r\n\x1a\n"))
        # "BM" alone begins many a text; a BMP header's reserved bytes are zero.
        or (head.startswith(b"BM") and head[6:10] == bytes(4))
        or (head.startswith(b"RIFF") and head[8:12] == b"WEBP")
    )


def suffix_of(data: bytes) -> str:
    """Return what the name of a JPEG, PNG, BMP or WebP file should end in, by its content."""
    if data.startswith(_JPEG):
        return ".jpg"
    return {b"\x89P": ".png", b"BM": ".bmp"}.get(data[:2], ".webp")


def decode_picture(data: bytes, where: str) -> Picture:
    """Decode a picture file.

    Args:
        data: the whole file.
        where: its name, for messages.

    Returns:
        uint8 (height, width, 3), BGR, turned upright as its EXIF says; grey pictures get three
        equal channels, transparency is dropped.

    Raises:
        FacesError: the bytes are no picture, or are cut short or damaged.
    """
    if not is_picture(data[:12]):
        raise FacesError(f"{where} is not a picture; expected JPEG, PNG, BMP or WebP")
    # OpenCV fills the missing part of a JPEG with grey and says nothing a program could hear.
    # In a scan's data 0xFF is always escaped, so the last scan start is the last scan's own.
    if data.startswith(_JPEG) and data.rfind(_END_OF_IMAGE) < data.rfind(_SCAN_START):
        raise FacesError(f"{where} is a JPEG picture that is cut short; copy it again or remove it")
    try:
        picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error:
        picture = None
    if picture is None:
        raise FacesError(f"{where} is a damaged picture; copy it again or remove it")
    return np.asarray(picture, dtype=np.uint8)
