"""Crops of labelled faces."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from faceage_calibration.alignment import alignment_of
from faceage_calibration.crops import CropMode, FaceCropper, crop_all
from faceage_calibration.faces import FaceSet, LabelledFace, read_faces
from faceage_calibration.labels import Label
from faceage_calibration.landmark_cache import LandmarkCache
from faceage_calibration.pictures import MemorySource
from faceage_edge.crop import align
from faceage_edge.detector import load_detector
from faceage_edge.errors import FacesError, UsageError
from faceage_edge.geometry import CropTemplate, Face, FrameBox, FrameLandmarks

# UTKFace's own usual landmarks, so that the aligned crop of a 200 px chip is the chip.
TEMPLATE = CropTemplate(200, 200, alignment_of("utkface").points)


class FakeDetector:
    """Finds a face at fixed landmarks of the unpadded 200 px picture, or none."""

    digest = "ef" * 32

    def __init__(self, points: np.ndarray | None) -> None:
        self._points = points

    def detect(self, frame: np.ndarray, *, min_face: float = 40) -> list[Face]:
        """Find the face."""
        assert frame.shape == (320, 320, 3)
        if self._points is None:
            return []
        points = self._points + 60
        return [Face(FrameBox(110, 110, 100, 100), FrameLandmarks(points), min_face)]


@pytest.fixture
def textured() -> LabelledFace:
    """A 200 px picture in which every place looks different."""
    noise = np.random.default_rng(0).integers(0, 256, (200, 200, 3), dtype=np.uint8)
    data = cv2.imencode(".png", cv2.GaussianBlur(noise, (0, 0), 4))[1].tobytes()
    return LabelledFace("a.png", "12" * 32, Label(30.0), MemorySource(data))


def test_the_usual_place_is_cut_without_a_detector(textured: LabelledFace) -> None:
    """A chip of a known source is brought onto the template by its source's landmarks."""
    crop = FaceCropper(TEMPLATE).crop(textured, "utkface")
    assert crop.found
    assert (crop.picture == textured.picture()).all()


def test_a_chip_of_another_size_is_scaled(textured: LabelledFace) -> None:
    """A larger chip of the same source gives nearly the same crop."""
    half = CropTemplate(100, 100, (TEMPLATE.points + 0.5) / 2 - 0.5)
    small = FaceCropper(half).crop(textured, "utkface").picture
    pixels = textured.picture().astype(float)
    blocks = pixels.reshape(100, 2, 100, 2, 3).mean(axis=(1, 3))
    # Bilinear at half size is the mean of 2 x 2 pixels, rounded.
    assert np.abs(small - blocks).max() <= 1


def test_a_found_face_is_cut_where_it_is(textured: LabelledFace, tmp_path: Path) -> None:
    """Detection puts the landmarks it found on the template."""
    shifted = TEMPLATE.points + np.array([7.0, -5.0])
    detector = FakeDetector(shifted)
    cropper = FaceCropper(
        TEMPLATE, mode="detect", detector=detector, cache=LandmarkCache(detector, tmp_path)
    )
    crop = cropper.crop(textured, "utkface")
    assert crop.found
    expected = align(textured.picture(), FrameLandmarks(shifted), TEMPLATE)
    assert (crop.picture == expected).all()


def test_a_missed_face_is_cut_as_usual_and_counted(textured: LabelledFace, tmp_path: Path) -> None:
    """A face that the detector misses still has a crop, and says so."""
    detector = FakeDetector(None)
    cropper = FaceCropper(
        TEMPLATE, mode="detect", detector=detector, cache=LandmarkCache(detector, tmp_path)
    )
    crop = cropper.crop(textured, "utkface")
    assert not crop.found
    assert (crop.picture == textured.picture()).all()


@pytest.mark.parametrize(
    ("mode", "message"),
    [("detect", "--detector"), ("centre", "aligned or detect")],
)
def test_modes_that_cannot_be(mode: CropMode, message: str) -> None:
    """Detection without a detector and unknown modes are mistakes in the command."""
    with pytest.raises(UsageError, match=message):
        FaceCropper(TEMPLATE, mode=mode)


def test_a_whole_set_is_cropped_in_order(face_set: Callable[..., FaceSet]) -> None:
    """Crops come in the set's order, with progress after each."""
    faces = face_set(*[Label()] * 3, side=200)
    done: list[int] = []
    crops, found = crop_all(faces, FaceCropper(TEMPLATE), done.append)
    assert (crops.shape, crops.dtype, found.tolist()) == ((3, 200, 200, 3), np.uint8, [True] * 3)
    assert [int(crop[0, 0, 0]) for crop in crops] == [0, 37, 74]
    assert done == [1, 2, 3]


def test_a_damaged_picture_stops_the_crops(face_set: Callable[..., FaceSet]) -> None:
    """A set with a damaged picture is not measured as if it were whole."""
    faces = face_set(Label())
    broken = LabelledFace("b.jpg", "34" * 32, Label(), MemorySource(b"\xff\xd8\xff" + bytes(50)))
    with pytest.raises(FacesError, match=r"b\.jpg is a"):
        crop_all(faces.only([*faces.faces, broken]), FaceCropper(TEMPLATE))


def test_real_faces_lie_where_they_usually_do(shared_data: Path, tmp_path: Path) -> None:
    """Of 60 UTKFace faces the float detector finds 57 or more; crops by detection then differ
    from those by alignment by less than faces differ from one another."""
    faces = read_faces(shared_data / "data" / "utkface-calib.tar")
    faces = faces.only(faces.faces[:60])
    detector = load_detector("mtcnn", scheme="float32")
    template = CropTemplate(64, 64, (TEMPLATE.points + 0.5) * 0.32 - 0.5)
    aligned, _ = crop_all(faces, FaceCropper(template))
    cache = LandmarkCache(detector, tmp_path)
    cropper = FaceCropper(template, mode="detect", detector=detector, cache=cache)
    detected, found = crop_all(faces, cropper)
    assert found.sum() >= 57
    same = np.abs(detected.astype(int) - aligned)[found].mean()
    other = np.abs(detected.astype(int) - np.roll(aligned, 1, axis=0))[found].mean()
    assert same < other / 2
