"""Faces that were cut once, in one file: what a training host needs of a set, and no detector.

An .npz with the canvases as PNG or WebP pictures, their ages and genders, the digests of the
pictures they were cut from, and the template. It holds other people's pictures and is under the
terms of its set.
"""

import re
import zipfile
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np

from faceage_calibration.pictures import decode_picture
from faceage_edge.atomic import new_file
from faceage_edge.errors import FaceageError, FacesError, UsageError
from faceage_edge.geometry import CropTemplate
from faceage_models.age_faces import TrainingFaces

__all__ = ["is_pack", "read_pack", "read_packs", "write_pack"]

SUFFIX = ".faces.npz"
_DIGEST = re.compile("[0-9a-f]{64}")
# PNG packs little tighter when it is given ten times as long.
_PNG = [cv2.IMWRITE_PNG_COMPRESSION, 1]
_UNREADABLE = (OSError, ValueError, KeyError, EOFError, TypeError, zipfile.BadZipFile)


def is_pack(path: Path) -> bool:
    """Whether a path names a file of faces already cut."""
    return path.name.endswith(SUFFIX)


def write_pack(faces: TrainingFaces, path: Path, *, quality: int | None = None) -> None:
    """Write faces; an earlier file stays until this one is whole.

    Args:
        faces: cut.
        path: its name ends in .faces.npz.
        quality: of WebP pictures, 1 to 100, which are a tenth as large but smooth the skin; None
            for pictures without loss.

    Raises:
        FacesError: another name.
        OutputError: the file cannot be written.
    """
    if not is_pack(path):
        raise FacesError(f"{path}: a file of cut faces is called NAME{SUFFIX}; name it so")
    pictures = [_encoded(canvas, quality) for canvas in faces.canvases]
    template = faces.template
    with new_file(path) as file:
        np.savez(
            file,
            pictures=np.frombuffer(b"".join(pictures), np.uint8),
            lengths=np.array([len(picture) for picture in pictures]),
            spans=faces.spans,
            digests=np.array(faces.digests),
            genders=faces.genders,
            size=np.array([template.width, template.height]),
            points=template.points,
        )


def read_pack(path: Path) -> TrainingFaces:
    """Read what `write_pack` wrote.

    Raises:
        FacesError: the file is missing, damaged or of another kind.
    """
    try:
        # Opened here, because numpy leaves a damaged file open.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as kept:
            arrays = {key: kept[key] for key in kept.files}
        data, ends = arrays["pictures"].tobytes(), np.cumsum(arrays["lengths"])
        starts = ends - arrays["lengths"]
        width, height = (int(value) for value in arrays["size"])
        with ThreadPoolExecutor() as threads:
            canvases = list(
                threads.map(
                    lambda span: decode_picture(data[span[0] : span[1]], str(path)),
                    zip(starts, ends, strict=True),
                )
            )
        spans = arrays["spans"].astype(np.float64)
        # Files of before they were kept state none.
        genders = arrays.get("genders", np.full(len(spans), np.nan))
        return TrainingFaces(
            CropTemplate(width, height, arrays["points"]),
            np.stack(canvases),
            spans,
            tuple(str(digest) for digest in arrays["digests"]),
            genders.astype(np.float32),
        )
    except (FaceageError, *_UNREADABLE) as error:
        raise FacesError(
            f"{path} is not a file of cut faces ({error}); write it with faceage-train --pack"
        ) from error


def read_packs(
    paths: Sequence[Path],
    *,
    exclude: Collection[str] = (),
    share: float = 1.0,
    seed: int = 0,
    **_: bool,
) -> list[TrainingFaces]:
    """Read the files of cut faces among paths, and leave out what may not be learnt from.

    Args:
        paths: others are passed over.
        exclude: digests of pictures to leave out.
        share: of each file's faces, chosen by the seed: for trying things.
        seed: of that choice.
        _: what only sets that are still to be cut need to know.

    Raises:
        FacesError: a file is missing, damaged or of another kind.
        UsageError: names among `exclude`: such a file has forgotten what its pictures are called.
    """
    files = [path for path in paths if is_pack(path)]
    names = sorted(one for one in exclude if not _DIGEST.fullmatch(one))
    if files and names:
        raise UsageError(
            f"--exclude names {len(names):,} pictures such as {names[0]!r}, and {files[0].name} "
            "knows digests only; list their SHA-256, or leave them out with --pack"
        )
    return [_left(read_pack(path), exclude, share, seed) for path in files]


def _left(faces: TrainingFaces, exclude: Collection[str], share: float, seed: int) -> TrainingFaces:
    kept = np.random.default_rng(seed).random(len(faces.spans)) < share
    kept &= np.array([digest not in exclude for digest in faces.digests], bool)
    return faces.only(kept)


def _encoded(canvas: np.ndarray, quality: int | None) -> bytes:
    if quality is None:
        return bytes(cv2.imencode(".png", canvas, _PNG)[1].tobytes())
    done, data = cv2.imencode(".webp", canvas, [cv2.IMWRITE_WEBP_QUALITY, quality])
    if not done:
        raise FacesError("OpenCV cannot write WebP here; install opencv-python-headless from PyPI")
    return data.tobytes()
