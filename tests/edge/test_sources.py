"""Films, pictures and folders, and everything that is none of them."""

import os
from collections.abc import Callable, Iterable
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from faceage_edge.errors import SourceError, UsageError
from faceage_edge.frames import CameraRequest, Frame, Source
from faceage_edge.sources import Film, PictureFiles, open_source

Picture = npt.NDArray[np.uint8]
NO_REQUEST = CameraRequest()


def noise(seed: int, height: int = 48, width: int = 64) -> Picture:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def frames_of(source: Source) -> list[Frame]:
    with source:
        return list(source)


def test_a_film_is_read_in_order_and_whole(write_clip: Callable[[list[Picture]], Path]) -> None:
    """Frames count from 0, times are index / fps, nothing is dropped."""
    levels = [0, 60, 120, 180, 240]
    source = open_source(
        str(write_clip([np.full((48, 64, 3), level, np.uint8) for level in levels])), NO_REQUEST
    )
    frames = frames_of(source)
    assert isinstance(source, Film)
    assert [frame.index for frame in frames] == [0, 1, 2, 3, 4]
    assert [frame.time_s for frame in frames] == pytest.approx([0, 0.1, 0.2, 0.3, 0.4])
    # The codec is lossy; neighbouring levels lie 60 apart.
    assert [round(frame.picture.mean() / 60) for frame in frames] == [0, 1, 2, 3, 4]
    stamps = [frame.captured_ns for frame in frames]
    assert stamps == sorted(stamps)
    assert (source.drops, source.remarks()) == (0, [])


@pytest.mark.parametrize(
    ("clip", "count"),
    [
        ("classroom", 45),
        ("face-demographics-walking-and-pause", 41),
        ("head-pose-female-and-male", 56),
    ],
)
def test_a_gif_is_a_film(shared_data: Path, clip: str, count: int) -> None:
    """All frames of an animated GIF are read, as BGR bytes."""
    frames = frames_of(open_source(str(shared_data / "clips" / f"{clip}.gif"), NO_REQUEST))
    assert len(frames) == count
    assert {frame.picture.shape for frame in frames} == {(270, 480, 3)}
    assert {frame.picture.dtype for frame in frames} == {np.dtype(np.uint8)}


def test_a_folder_is_read_in_the_order_of_names(tmp_path: Path) -> None:
    """Pictures come sorted by name, a second apart; subfolders and hidden files do not count."""
    for name, level in (("b.png", 2), ("a.bmp", 1), ("c.png", 3)):
        cv2.imwrite(str(tmp_path / name), np.full((8, 9, 3), level, np.uint8))
    (tmp_path / ".DS_Store").write_bytes(b"hidden")
    (tmp_path / "sub").mkdir()
    source = open_source(str(tmp_path), NO_REQUEST)
    frames = frames_of(source)
    assert [int(frame.picture[0, 0, 0]) for frame in frames] == [1, 2, 3]
    assert [frame.time_s for frame in frames] == [0.0, 1.0, 2.0]
    assert source.describe() == f"{tmp_path} (3 pictures)"


@pytest.mark.parametrize(
    ("name", "pixels", "note"),
    [
        ("grey.png", np.full((8, 9), 40, np.uint8), "grey"),
        ("alpha.png", np.full((8, 9, 4), 40, np.uint8), "with transparency"),
        ("deep.png", np.full((8, 9, 3), 40 * 257, np.uint16), "16 bits a channel"),
        ("deep-grey.tiff", np.full((8, 9), 40 * 257, np.uint16), "16-bit grey"),
        ("odd.dat", np.full((8, 9, 3), 40, np.uint8), "a name that says nothing"),
    ],
)
def test_a_single_picture_is_a_source_of_one_frame(
    tmp_path: Path, name: str, pixels: npt.NDArray[np.uint8], note: str
) -> None:
    """Content decides, and every kind of picture becomes BGR bytes."""
    suffix = Path(name).suffix if name != "odd.dat" else ".png"
    _, data = cv2.imencode(suffix, pixels)
    (tmp_path / name).write_bytes(data.tobytes())
    source = open_source(str(tmp_path / name), NO_REQUEST)
    (frame,) = frames_of(source)
    assert isinstance(source, PictureFiles), note
    assert frame.picture.shape == (8, 9, 3), note
    assert frame.picture[4, 4].tolist() == [40, 40, 40], note


def test_a_picture_is_turned_upright(tmp_path: Path) -> None:
    """An EXIF orientation of 6 (held a quarter turn to the left) is undone."""
    landscape = np.zeros((16, 32, 3), np.uint8)
    landscape[:, :16] = 255
    _, jpeg = cv2.imencode(".jpg", landscape)
    tag = (
        b"Exif\0\0MM\0*\0\0\0\x08\0\x01"  # big-endian TIFF with one entry:
        b"\x01\x12\0\x03\0\0\0\x01\0\x06\0\0"  # Orientation, SHORT, one value, 6
        b"\0\0\0\0"
    )
    segment = b"\xff\xe1" + (len(tag) + 2).to_bytes(2, "big") + tag
    data = jpeg.tobytes()
    (tmp_path / "held.jpg").write_bytes(data[:2] + segment + data[2:])
    (frame,) = frames_of(open_source(str(tmp_path / "held.jpg"), NO_REQUEST))
    assert frame.picture.shape == (32, 16, 3)
    assert frame.picture[2, 8, 0] > 200
    assert frame.picture[-3, 8, 0] < 50


def _cut_mp4(folder: Path, clip: Path) -> Path:
    path = folder / "cut.mp4"
    data = clip.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    return path


def test_a_film_without_its_index_is_refused(
    tmp_path: Path, write_clip: Callable[[list[Picture]], Path]
) -> None:
    """Half an MP4 whose index lies at its end is an error that asks whether it is cut short."""
    path = _cut_mp4(tmp_path, write_clip([noise(i) for i in range(20)]))
    with pytest.raises(SourceError, match=r"cut\.mp4 is neither a video nor a picture.*cut short"):
        open_source(str(path), NO_REQUEST)


def test_a_film_that_ends_early_gives_what_it_has(tmp_path: Path) -> None:
    """Half an AVI yields the frames that are there, and a remark."""
    whole = tmp_path / "whole.avi"
    writer = cv2.VideoWriter(str(whole), cv2.VideoWriter.fourcc(*"MJPG"), 10.0, (64, 48))
    for index in range(40):
        writer.write(noise(index))
    writer.release()
    data = whole.read_bytes()
    cut = tmp_path / "cut.avi"
    cut.write_bytes(data[: len(data) // 2])
    source = open_source(str(cut), NO_REQUEST)
    frames = frames_of(source)
    assert 10 < len(frames) < 30
    (remark,) = source.remarks()
    assert "announces 40 frames and" in remark
    assert "cut short" in remark


def test_a_film_left_early_makes_no_remark(write_clip: Callable[[list[Picture]], Path]) -> None:
    """Not reading on is no fault of the film."""
    source = open_source(str(write_clip([noise(i) for i in range(20)])), NO_REQUEST)
    with source:
        next(iter(source))
    assert source.remarks() == []


@pytest.mark.parametrize(
    ("name", "content", "note"),
    [
        ("noise.mp4", bytes(range(256)) * 64, "foreign bytes named as a film"),
        ("empty.mp4", b"", "no bytes"),
        ("words.txt", b"hello", "text"),
        ("noise.jpg", b"\x00" * 500, "foreign bytes named as a picture"),
        ("pattern%03d.png", b"hello", "a name that OpenCV would take for a numbered series"),
        ("cut.gif", b"GIF89a", "a GIF's first bytes only"),
    ],
)
def test_what_is_no_picture_is_refused(
    tmp_path: Path, name: str, content: bytes, note: str
) -> None:
    """A file that yields no frames is an error that names it."""
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(SourceError) as caught:
        frames_of(open_source(str(path), NO_REQUEST))
    assert str(path) in str(caught.value), note


def test_a_picture_cut_short_is_refused(
    tmp_path: Path, write_frames: Callable[[Iterable[Picture]], Path]
) -> None:
    """A picture that begins well and ends early is an error when its turn comes."""
    folder = write_frames([noise(0), noise(1)])
    last = folder / "frame-001.png"
    last.write_bytes(last.read_bytes()[:2000])
    with open_source(str(folder), NO_REQUEST) as source:
        frames = iter(source)
        assert next(frames).index == 0
        with pytest.raises(SourceError, match=r"frame-001\.png .*cannot be decoded"):
            next(frames)


def test_missing_and_empty_places_are_refused(tmp_path: Path) -> None:
    """A path that is not there and a folder without files each say so."""
    with pytest.raises(SourceError, match="there is no file or folder"):
        open_source(str(tmp_path / "nowhere.mp4"), NO_REQUEST)
    with pytest.raises(SourceError, match="holds no file"):
        open_source(str(tmp_path), NO_REQUEST)
    with pytest.raises(SourceError):
        open_source("a" * 5000, NO_REQUEST)
    with pytest.raises(SourceError):
        open_source("a\0b", NO_REQUEST)


def test_a_pipe_is_refused(tmp_path: Path) -> None:
    """Something that is neither file nor folder is not opened: a pipe would block for ever."""
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(SourceError, match="neither a file nor a folder"):
        open_source(str(tmp_path / "pipe"), NO_REQUEST)


def test_foreign_files_in_a_folder_are_named(tmp_path: Path) -> None:
    """A folder with something else among its pictures is refused before the first is read."""
    cv2.imwrite(str(tmp_path / "a.png"), noise(0))
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(SourceError, match=r"1 of 2 files .* are no pictures \(notes\.txt\)"):
        open_source(str(tmp_path), NO_REQUEST)


def test_a_camera_that_does_not_exist_is_refused() -> None:
    """Camera 99 is one clear error."""
    with pytest.raises(SourceError, match="camera 99 cannot be opened"):
        open_source("99", NO_REQUEST)


def test_requests_are_for_cameras(write_clip: Callable[[list[Picture]], Path]) -> None:
    """A width asked of a film is a mistake in the command line."""
    clip = write_clip([noise(0)])
    with pytest.raises(UsageError, match="camera or raw frames"):
        open_source(str(clip), CameraRequest(width=640))
