"""Faces cut out of whole photos."""

from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from faceage_calibration.alignment import alignment_of
from faceage_calibration.face_cut import (
    FrameSquare,
    cut_out,
    encode,
    faces_in,
    same_face,
    square_around,
)
from faceage_calibration.landmarks import find_face
from faceage_calibration.pictures import decode_picture
from faceage_edge.age import load_age_model
from faceage_edge.bundles import find
from faceage_edge.candidates import usual_min_face
from faceage_edge.detector import Detector, load_detector
from faceage_edge.geometry import FrameBox, FrameLandmarks, similarity

Frame = np.ndarray


@pytest.fixture(scope="module")
def detector() -> Detector:
    """That of `faceage-calibrate prepare`."""
    return load_detector("mtcnn")


def test_the_square_of_known_landmarks() -> None:
    """A face that lies as in a prepared picture, moved, gives that picture's square."""
    usual = alignment_of("prepared")
    assert square_around(FrameLandmarks(usual.points + np.array([40, 30]))) == FrameSquare(
        40, 30, usual.width
    )


@pytest.mark.parametrize("scale", [0.25, 3.0])
def test_the_square_grows_with_the_face(scale: float) -> None:
    """Its side follows the face's size to the pixel."""
    usual = alignment_of("prepared")
    square = square_around(usual.scaled_to(round(300 * scale), round(300 * scale)))
    assert square == FrameSquare(0, 0, round(300 * scale))


def test_a_prepared_picture_holds_the_template_at_any_tilt() -> None:
    """The border is wide enough for the shipped model's crop, turned around its middle."""
    chip, prepared = alignment_of("utkface"), alignment_of("prepared")
    border = (prepared.width - chip.width) / 2
    assert (prepared.points == chip.points + border).all()
    template = load_age_model(find("age-mobilenet-coral/age-mobilenet-coral.int8.tflite")).template
    assert template is not None
    scale = similarity(FrameLandmarks(prepared.points), template).scale
    # The corners of the square are what reaches furthest.
    assert np.hypot(template.width, template.height) / scale < prepared.width


def test_beyond_the_photo_its_edge_repeats() -> None:
    """A square over a corner keeps its place and its size."""
    photo = np.arange(4 * 5 * 3, dtype=np.uint8).reshape(4, 5, 3)
    cut = cut_out(photo, FrameSquare(-2, 1, 6))
    assert cut.shape == (6, 6, 3)
    assert (cut[:3, 2:] == photo[1:, :4]).all()
    assert (cut[:3, :2] == photo[1:, :1]).all()
    assert (cut[3:] == cut[2:3]).all()


def test_a_file_keeps_what_was_cut(astronaut: Frame) -> None:
    """The JPEG is that of the pixels, the same every time, and off by little."""
    cut = cut_out(astronaut, FrameSquare(150, 40, 160))
    data = encode(cut)
    assert data == encode(cut)
    difference = np.abs(decode_picture(data, "a.jpg").astype(int) - cut)
    assert difference.mean() < 2


def test_a_portrait(astronaut: Frame, detector: Detector) -> None:
    """The one face of a photo is found, and again in what is cut out, in its usual place."""
    (face,) = faces_in(astronaut, detector)
    square = square_around(face.landmarks)
    cut = cut_out(astronaut, square)
    again = find_face(cut, detector)
    assert again is not None
    usual = alignment_of("prepared").scaled_to(square.side, square.side).points
    # People differ and her head is tilted: the medians deviate by up to 7 of 200 pixels, times 2.
    assert np.abs(again.landmarks.points - usual).max() < 0.07 * square.side


def test_a_face_that_fills_the_photo(astronaut: Frame, detector: Detector) -> None:
    """A face at the photo's edges is found by repeating them, in pixels of the photo."""
    (face,) = faces_in(astronaut, detector)
    tight = astronaut[66:186, 170:270]
    (found,) = faces_in(np.ascontiguousarray(tight), detector)
    moved = found.landmarks.points + [170, 66]
    assert np.abs(moved - face.landmarks.points).max() < 8


def test_a_small_face_in_a_large_photo(astronaut: Frame, detector: Detector) -> None:
    """Where no large face is, smaller ones are looked for; in front of them they do not count."""
    large = np.full((2400, 3000, 3), 90, np.uint8)
    large[600:1112, 800:1312] = astronaut
    (face,) = faces_in(large, detector)
    assert 900 < face.box.x < 1100 and face.box.width < usual_min_face(large)
    large[:1024, -1024:] = astronaut.repeat(2, axis=0).repeat(2, axis=1)
    (face,) = faces_in(large, detector)
    assert face.box.x > large.shape[1] - 1024


def test_a_box_tells_which(astronaut: Frame, detector: Detector) -> None:
    """Of two faces the one in the box is meant; a box elsewhere means none."""
    (face,) = faces_in(astronaut, detector)
    two = np.concatenate([astronaut, astronaut], axis=1)
    assert len(faces_in(two, detector)) == 2
    box = face.box
    right = FrameBox(box.x + 512, box.y, box.width, box.height)
    (found,) = faces_in(two, detector, right)
    assert np.abs(found.landmarks.points - face.landmarks.points - [512, 0]).max() < 5
    assert faces_in(two, detector, FrameBox(400, 350, 80, 100)) == []


def test_squares_of_one_face_and_of_neighbours() -> None:
    """A pixel off is the same face; a face's width off is another."""
    square = FrameSquare(100, 100, 60)
    assert same_face(square, [FrameSquare(0, 0, 60), FrameSquare(101, 99, 62)])
    assert not same_face(square, [FrameSquare(130, 100, 60)])
    assert not same_face(square, [])


def test_faces_of_real_photos(shared_data: Path, detector: Detector) -> None:
    """Of the labelled faces of group photos nearly all are cut out, and found again in the cut."""
    photos = shared_data / "photos"
    cuts, labelled = [], 0
    for table in ("training.xml", "testing.xml"):
        for image in ElementTree.parse(photos / table).iter("image"):
            name = image.attrib["file"]
            photo = decode_picture((photos / name).read_bytes(), name)
            for entry in image.iter("box"):
                x, y, width, height = (
                    float(entry.attrib[key]) for key in ("left", "top", "width", "height")
                )
                labelled += 1
                for face in faces_in(photo, detector, FrameBox(x, y, width, height)):
                    cuts.append(cut_out(photo, square_around(face.landmarks)))
    assert labelled == 43
    # Two may be lost: a detector need not find every face of 37 pixels.
    assert len(cuts) >= labelled - 2
    saved = [decode_picture(encode(cut), "cut") for cut in cuts]
    assert sum(find_face(cut, detector) is not None for cut in saved) >= len(cuts) - 1
