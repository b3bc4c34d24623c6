"""Annotated films and pictures: whole or not there, and refused before any work."""

import stat
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from faceage_edge.errors import OutputError, UsageError
from faceage_edge.geometry import FrameBox, FrameLandmarks
from faceage_edge.recording import AnnotatedFilm, AnnotatedPicture, fitted, open_annotation
from faceage_edge.result import FrameResult
from faceage_edge.tracking import TrackedFace

Picture = npt.NDArray[np.uint8]


def result(index: int, *sides: float, time_s: float | None = None) -> FrameResult:
    faces = tuple(
        TrackedFace(
            number,
            FrameBox(10, 10, side, side),
            FrameLandmarks(np.full((5, 2), 12.0)),
            0.9,
            30.0,
            20.0,
            40.0,
        )
        for number, side in enumerate(sides, start=1)
    )
    return FrameResult(index, index / 10 if time_s is None else time_s, 1.0, faces)


def frame(level: int, height: int = 96, width: int = 128) -> Picture:
    return np.full((height, width, 3), level, np.uint8)


def read_film(path: Path) -> list[Picture]:
    film = cv2.VideoCapture(str(path))
    frames: list[Picture] = []
    while True:
        delivered, picture = film.read()
        if not delivered:
            break
        frames.append(np.asarray(picture, np.uint8))
    film.release()
    return frames


@pytest.mark.parametrize(
    ("height", "width", "expected", "note"),
    [
        (96, 128, (96, 128, 3), "even"),
        (97, 131, (96, 130, 3), "odd: the last row and column are left out"),
        (270, 480, (270, 480, 3), "the clips' size"),
    ],
)
def test_a_film_holds_every_frame(
    tmp_path: Path, height: int, width: int, expected: tuple[int, ...], note: str
) -> None:
    """Frame count, rate and size come out as they went in, at any size."""
    target = tmp_path / "out.mp4"
    with open_annotation(target, 10.0) as sink:
        assert isinstance(sink, AnnotatedFilm)
        for index in range(6):
            sink.write(result(index, 30), frame(40 * index, height, width))
    frames = read_film(target)
    assert [picture.shape for picture in frames] == [expected] * 6, note
    corners = [round(float(picture[-8:, -8:].mean()) / 40) for picture in frames]
    assert corners == [0, 1, 2, 3, 4, 5], note
    assert cv2.VideoCapture(str(target)).get(cv2.CAP_PROP_FPS) == 10.0
    assert [path.name for path in tmp_path.iterdir()] == ["out.mp4"]


@pytest.mark.parametrize(
    ("times", "expected", "note"),
    [
        ([0.0, 0.1, 0.4], [0, 1, 1, 1, 2], "two dropped frames: the one before stands still"),
        ([0.0, 0.02, 0.1], [0, 2], "a frame sooner than the film's next is left out"),
        ([0.0, 60.0, 60.1], [0] * 21 + [1, 2], "a pause of a minute shows as two seconds"),
        ([0.3, 0.4], [0, 0, 0, 0, 1], "a camera's first frame was dropped"),
    ],
)
def test_a_cameras_frames_lie_at_their_times(
    tmp_path: Path, times: list[float], expected: list[int], note: str
) -> None:
    """A film of a camera that drops frames plays at the speed of life."""
    target = tmp_path / "out.mp4"
    with AnnotatedFilm(target, 10.0) as sink:
        for index, time_s in enumerate(times):
            sink.write(result(index, time_s=time_s), frame(100 * index))
    levels = [round(float(picture.mean()) / 100) for picture in read_film(target)]
    assert levels == expected, note


def test_frames_of_other_sizes_are_fitted_into_the_film(tmp_path: Path) -> None:
    """A folder of pictures of several sizes becomes one film of the first one's size."""
    target = tmp_path / "out.mp4"
    with AnnotatedFilm(target, 10.0) as sink:
        sink.write(result(0), frame(200))
        sink.write(result(1), frame(200, 300, 100))
        sink.write(result(2), frame(200, 20, 20))
    tall, small = read_film(target)[1:]
    assert tall.shape == small.shape == (96, 128, 3)
    assert tall[48, 64, 0] > 180 > 40 > tall[48, 10, 0]
    assert small[48, 64, 0] > 180 > 40 > small[20, 64, 0]


def test_fitting_keeps_proportions_and_never_enlarges() -> None:
    """Three to one stays three to one, centred on black."""
    placed = fitted(frame(255, 300, 100), 128, 96)
    lit = np.argwhere(placed[:, :, 0] > 0)
    assert (np.ptp(lit, axis=0) + 1).tolist() == [96, 32]
    assert (fitted(frame(255, 20, 30), 128, 96) > 0).sum() == 20 * 30 * 3
    assert fitted(frame(255, 97, 129), 128, 96).shape == (96, 128, 3)


def test_the_picture_is_the_one_with_the_most_faces(tmp_path: Path) -> None:
    """More faces win, then larger ones, then the earlier frame."""
    target = tmp_path / "out.png"
    with open_annotation(target, 10.0) as sink:
        assert isinstance(sink, AnnotatedPicture)
        sink.write(result(0, 80), frame(10))
        sink.write(result(1, 20, 20), frame(20))
        sink.write(result(2, 30, 30), frame(30))
        sink.write(result(3, 30, 30), frame(40))
        sink.write(result(4), frame(50))
    picture = cv2.imread(str(target))
    assert picture is not None
    assert picture[-1, -1].tolist() == [30, 30, 30]
    assert (picture != 30).any(), "it is annotated"
    assert stat.S_IMODE(target.stat().st_mode) & 0o444, "as readable as any file"


@pytest.mark.parametrize("name", ["out.mp4", "out.png"])
def test_an_error_leaves_an_earlier_file_as_it_was(tmp_path: Path, name: str) -> None:
    """What is left on an error is thrown away."""
    target = tmp_path / name
    target.write_bytes(b"earlier")
    with pytest.raises(RuntimeError), open_annotation(target, 10.0) as sink:
        sink.write(result(0, 30), frame(9))
        raise RuntimeError
    assert target.read_bytes() == b"earlier"
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("name", ["out.mp4", "out.png"])
def test_an_earlier_file_is_replaced_by_a_whole_one(tmp_path: Path, name: str) -> None:
    """Success overwrites, and leaves nothing else behind."""
    target = tmp_path / name
    target.write_bytes(b"earlier")
    with open_annotation(target, 10.0) as sink:
        sink.write(result(0, 30), frame(9))
    assert len(target.read_bytes()) > 100
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("name", ["out.mp4", "out.png"])
def test_no_frame_makes_no_file(tmp_path: Path, name: str) -> None:
    """A source that ended at once leaves nothing."""
    with open_annotation(tmp_path / name, 10.0):
        pass
    assert list(tmp_path.iterdir()) == []


def test_places_that_cannot_be_written_are_refused_at_once(tmp_path: Path) -> None:
    """Endings, folders and files in the way are found out before the first frame."""
    (tmp_path / "file").write_text("in the way")
    (tmp_path / "folder.mp4").mkdir()
    for name in ("out.avi", "out", "out.jpg"):
        with pytest.raises(UsageError, match=r"ends in \.mp4 .* or \.png"):
            open_annotation(tmp_path / name, 10.0)
    for name in ("nowhere/out.mp4", "file/out.png"):
        with pytest.raises(OutputError, match="choose a folder that exists"):
            open_annotation(tmp_path / name, 10.0)
    with pytest.raises(OutputError, match="is a folder"):
        open_annotation(tmp_path / "folder.mp4", 10.0)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder.mp4"]


def test_a_frame_too_small_for_the_codec_is_our_error(tmp_path: Path) -> None:
    """One pixel makes no film."""
    with (
        pytest.raises(OutputError, match=r"frames of 1x1 pixels .* \.png instead"),
        AnnotatedFilm(tmp_path / "out.mp4", 10.0) as sink,
    ):
        sink.write(result(0), frame(9, 1, 1))
    assert list(tmp_path.iterdir()) == []
