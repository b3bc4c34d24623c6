"""HDF5 files of pictures and ages, as deep-learning code writes them; read a picture at a time."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from faceage_calibration.labels import Label, parse_age
from faceage_calibration.photo_labels import LabelledPhoto, LeftOut
from faceage_calibration.pictures import PictureSource
from faceage_edge.errors import FacesError, missing_extra

__all__ = ["Hdf5Source", "read_hdf5"]

# How such files call their parts; the first that is there counts.
_PICTURES = ("images", "image", "pictures", "X", "x", "data", "faces")
_AGES = ("ages", "age", "labels", "label", "Y", "y")
_GENDERS = ("genders", "gender", "sex")
# As UTKFace counts.
_GENDER_WORDS = {"0": "male", "1": "female", "m": "male", "f": "female"}


@dataclass(frozen=True)
class Hdf5Source:
    """A picture of an HDF5 file: uint8 (height, width, 3), RGB, or the bytes of a picture file."""

    path: Path
    part: str
    index: int

    def read(self) -> bytes:
        """Return a picture file, PNG where the set holds pixels; OSError when it cannot be."""
        import h5py

        with h5py.File(self.path, "r") as file:
            value = file[self.part][self.index]
        if value.dtype == np.uint8 and value.ndim == 3:
            return bytes(cv2.imencode(".png", value[..., ::-1])[1].tobytes())
        if value.dtype == np.uint8 and value.ndim == 1:
            return bytes(value.tobytes())
        raise OSError(f"its pictures are {value.dtype} {value.shape}")


def read_hdf5(
    path: Path,
) -> tuple[Mapping[str, PictureSource], list[LabelledPhoto], list[LeftOut]]:
    """Read the labels of an HDF5 file; see `data_sets`.

    Args:
        path: a file with pictures, uint8 (n, height, width, 3) RGB or encoded ones, and ages in
            years (n,); where it has them genders, 0 male and 1 female or words.

    Raises:
        FacesError: no HDF5 file, or one with other parts.
        MissingExtraError: h5py is not installed.
    """
    try:
        import h5py
    except ImportError as error:
        raise missing_extra("h5py", "data") from error
    try:
        with h5py.File(path, "r") as file:
            pictures = _part(file, _PICTURES, "pictures", path)
            ages = np.asarray(file[_part(file, _AGES, "ages", path)])
            _check(file[pictures], ages, path)
            words = next((name for name in _GENDERS if name in file), None)
            genders = [None] * len(ages) if words is None else list(file[words][:])
    except OSError as error:
        raise FacesError(
            f"cannot read {path} as HDF5: {str(error).partition('(')[0].strip()}; expected one "
            "file of pictures and ages"
        ) from error
    files: dict[str, PictureSource] = {}
    photos: list[LabelledPhoto] = []
    left_out: list[LeftOut] = []
    for index, (age, gender) in enumerate(zip(ages.reshape(-1), genders, strict=True)):
        name = f"{index:07d}"
        files[name] = Hdf5Source(path, pictures, index)
        try:
            years = parse_age(f"{float(age):g}", f"{path}, picture {index}")
        except FacesError as error:
            left_out.append(LeftOut(name, "impossible age", str(error)))
            continue
        photos.append(LabelledPhoto(name, Label(years, gender=_gender(gender))))
    return files, photos, left_out


def _part(file: Any, names: tuple[str, ...], what: str, path: Path) -> str:
    for name in names:
        if name in file:
            return name
    found = ", ".join(f"{key} {getattr(part, 'shape', '')}" for key, part in file.items())
    raise FacesError(
        f"{path} holds no {what}: found {found or 'nothing'}, expected one of {', '.join(names)}; "
        "rename it in the file"
    )


def _check(pictures: Any, ages: Any, path: Path) -> None:
    shape = tuple(pictures.shape)
    pixels = len(shape) == 4 and shape[3] == 3 and pictures.dtype == np.uint8
    encoded = len(shape) == 1
    if not (pixels or encoded):
        raise FacesError(
            f"{path}: its pictures are {pictures.dtype} {shape}, expected uint8 (n, height, width, "
            "3) in RGB, or encoded pictures; scale them back to bytes"
        )
    if ages.size != shape[0] or ages.dtype.kind not in "iuf":
        raise FacesError(
            f"{path}: {shape[0]} pictures and ages {ages.dtype} {ages.shape}, expected a number of "
            "years for each"
        )


def _gender(value: Any) -> str | None:
    if value is None:
        return None
    text = value.decode() if isinstance(value, bytes) else str(value)
    return _GENDER_WORDS.get(text.lower(), text.lower() if text.isalpha() else None)
