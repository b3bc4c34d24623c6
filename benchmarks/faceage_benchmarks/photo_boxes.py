"""Photos with labelled face boxes, in the XML that dlib's imglab writes."""

import hashlib
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from faceage_edge.errors import FacesError
from faceage_edge.geometry import FrameBox

__all__ = ["LabelledPhoto", "LabelledPicture", "read_photos"]


class LabelledPicture(Protocol):
    """A picture whose faces are known: a photo with box labels, or a composed scene.

    `file` names it; `boxes` are the faces to be found, in pixels of the picture; finding one of
    `ignored` is neither right nor wrong; `tags` say for each face what makes it hard, None where
    that is not known.
    """

    @property
    def file(self) -> str: ...

    @property
    def boxes(self) -> tuple[FrameBox, ...]: ...

    @property
    def ignored(self) -> tuple[FrameBox, ...]: ...

    @property
    def tags(self) -> tuple[frozenset[str], ...] | None: ...

    def picture(self) -> NDArray[np.uint8]:
        """Return the picture, uint8 (height, width, 3), BGR."""

    def digest(self) -> str:
        """Return a SHA-256 in hexadecimal that identifies it."""


@dataclass(frozen=True)
class LabelledPhoto:
    """One photo and its faces.

    Attributes:
        path: of the picture.
        file: its name as the XML gives it.
        boxes: faces to be found, in pixels of the photo.
        ignored: faces marked ignore: finding one is neither right nor wrong.
    """

    path: Path
    file: str
    boxes: tuple[FrameBox, ...]
    ignored: tuple[FrameBox, ...]
    tags: None = None

    def picture(self) -> NDArray[np.uint8]:
        """Return the photo, uint8 (height, width, 3), BGR.

        Raises:
            FacesError: the file is missing or is not a picture.
        """
        try:
            data = np.frombuffer(self.path.read_bytes(), np.uint8)
        except OSError as error:
            raise FacesError(
                f"cannot read the photo {self.path}: {error.strerror}; the box file names it"
            ) from error
        picture = cv2.imdecode(data, cv2.IMREAD_COLOR) if data.size else None
        if picture is None:
            raise FacesError(
                f"{self.path} is not a picture that OpenCV reads; the box file names it"
            )
        return np.asarray(picture, dtype=np.uint8)

    def digest(self) -> str:
        """Return the SHA-256 of the file's bytes, in hexadecimal."""
        return hashlib.sha256(self.path.read_bytes()).hexdigest()


def read_photos(folder: Path, box_files: Sequence[Path] = ()) -> tuple[LabelledPhoto, ...]:
    """Read the photos that box files name.

    Args:
        folder: with the photos; its *.xml files are the box files when none are given.
        box_files: imglab XML; their `file` attributes are relative to the folder.

    Returns:
        The photos in the order of the files, those without any box included.

    Raises:
        FacesError: no folder, no box files, XML of another kind, or no face box at all.
    """
    if not folder.is_dir():
        raise FacesError(f"{folder} is not a folder; give the folder of the photos")
    files = tuple(box_files) or tuple(sorted(folder.glob("*.xml")))
    if not files:
        raise FacesError(
            f"{folder} holds no .xml file with face boxes; "
            "make one with dlib's imglab or name it with --boxes"
        )
    photos = tuple(photo for file in files for photo in _read_box_file(file, folder))
    names = [photo.file for photo in photos]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise FacesError(f"{twice[0]} stands in the box files twice; its faces would count double")
    if not any(photo.boxes for photo in photos):
        raise FacesError(f"{', '.join(map(str, files))}: no face box in any photo")
    return photos


def _read_box_file(file: Path, folder: Path) -> list[LabelledPhoto]:
    try:
        root = ElementTree.fromstring(file.read_bytes())
    except OSError as error:
        raise FacesError(f"cannot read the box file {file}: {error.strerror}") from error
    except ElementTree.ParseError as error:
        raise FacesError(f"{file} is not XML ({error}); expected dlib's imglab format") from error
    if root.tag != "dataset":
        raise FacesError(f"{file}: expected dlib's <dataset> of images, found <{root.tag}>")
    try:
        return [_photo(image, folder) for image in root.iter("image")]
    except (KeyError, ValueError) as error:
        raise FacesError(
            f"{file}: an image or box lacks a number or name ({error}); expected "
            "<image file=...><box top= left= width= height=/></image>"
        ) from error


def _photo(image: ElementTree.Element, folder: Path) -> LabelledPhoto:
    name = image.attrib["file"]
    boxes: dict[bool, list[FrameBox]] = {False: [], True: []}
    for box in image.iter("box"):
        left, top, width, height = (
            float(box.attrib[key]) for key in ("left", "top", "width", "height")
        )
        if width <= 0 or height <= 0:
            raise ValueError(f"a box of {width:g} x {height:g} in {name}")
        boxes[box.get("ignore") == "1"].append(FrameBox(left, top, width, height))
    return LabelledPhoto(folder / name, name, tuple(boxes[False]), tuple(boxes[True]))
