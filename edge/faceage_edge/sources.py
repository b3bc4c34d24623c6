"""What a source as typed means; and those in files, read in order, nothing dropped."""

import math
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np

from faceage_edge.capture import Freshest
from faceage_edge.errors import SourceError, UsageError
from faceage_edge.frames import CameraRequest, Frame, Picture, Source, as_bgr
from faceage_edge.opencv_camera import Camera
from faceage_edge.picamera import PiCamera, parse_pi_camera
from faceage_edge.quiet_opencv import quiet_opencv
from faceage_edge.raw_frames import RawFrames
from faceage_edge.stream import FreshestStream, Stream, is_stream, without_password

__all__ = ["Film", "PictureFiles", "open_source"]

# What a film is taken to run at when its file does not say: a middle of what occurs.
_UNKNOWN_FPS = 25.0
# A rate above this is a container's time base taken for a rate (1000 in some webm files).
_MOST_FPS = 480.0


def open_source(
    text: str, request: CameraRequest, *, leave: Callable[[], bool] = lambda: False
) -> Source:
    """Open what the user named.

    Digits alone are a camera's number (a file of that name is reached as ./0), and so is
    /dev/video0; `picamera2` is a Pi's own camera, an address such as rtsp://... a network camera,
    a dash raw frames on standard input; else it is a path.
    What a file is decides its content, never its name; an animated GIF is a film.

    Args:
        text: as typed.
        request: what to ask of a camera, or what raw frames are.
        leave: asked while waiting for a camera's next frame; true ends the iteration.

    Returns:
        The source, not yet started; a camera gives its freshest frame only.

    Raises:
        SourceError: nothing is there, or nothing that yields pictures.
        UsageError: a request for a source that is no camera.
    """
    quiet_opencv()
    if text == "-":
        return RawFrames(sys.stdin.buffer, request, leave=leave)
    if (pi_camera := parse_pi_camera(text)) is not None:
        return Freshest(PiCamera(pi_camera, request), leave=leave)
    if (number := _camera_number(text)) is not None:
        return Freshest(Camera(number, request), leave=leave)
    if request != CameraRequest():
        raise UsageError(
            f"--width, --height and --fps are for a camera or raw frames, and "
            f"{without_password(text)} is neither"
        )
    if is_stream(text):
        return FreshestStream(Stream(text, leave=leave), leave=leave)
    path = Path(text)
    try:
        return _open_path(path)
    except (OSError, ValueError) as error:
        raise SourceError(f"cannot open {text!r}: {error}") from error


def _camera_number(text: str) -> int | None:
    """The number of a camera named so, or by its device, as /dev/v4l/by-id/... names one too."""
    if text.isascii() and text.isdigit():
        return int(text)
    if not text.startswith("/dev/"):
        return None
    name = Path(text).resolve().name
    number = name.removeprefix("video")
    return int(number) if name != number and number.isascii() and number.isdigit() else None


def _open_path(path: Path) -> Source:
    if path.is_dir():
        return PictureFiles(str(path), _pictures_in(path))
    if not path.exists():
        raise SourceError(
            f"there is no file or folder {path}; "
            "give a video, a picture, a folder of pictures, a camera's number such as 0, "
            "picamera2, or an address such as rtsp://host/path"
        )
    if not path.is_file():
        # Opening a pipe could block for ever.
        raise SourceError(
            f"{path} is neither a file nor a folder; a camera is named by its number, such as 0"
        )
    if _is_picture(path) and not _is_gif(path):
        return PictureFiles(str(path), [path])
    return Film(path)


def _pictures_in(folder: Path) -> list[Path]:
    # Subfolders and hidden files (.DS_Store, .gitkeep) are nobody's pictures.
    files = sorted(
        path for path in folder.iterdir() if not path.is_dir() and not path.name.startswith(".")
    )
    if not files:
        raise SourceError(f"the folder {folder} holds no file; put pictures directly into it")
    foreign = [path.name for path in files if not _is_picture(path)]
    if foreign:
        names = ", ".join(foreign[:5]) + (", ..." if len(foreign) > 5 else "")
        raise SourceError(
            f"{len(foreign)} of {len(files)} files in the folder {folder} are no pictures "
            f"({names}); move them elsewhere"
        )
    return files


def _is_picture(path: Path) -> bool:
    return bool(cv2.haveImageReader(str(path)))


def _is_gif(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(3) == b"GIF"


class PictureFiles:
    """Pictures in the order given, as frames one second apart."""

    fps = 1.0
    drops = 0
    has_cuts = True

    def __init__(self, name: str, files: Sequence[Path]) -> None:
        self._name = name
        self._files = files

    def describe(self) -> str:
        """The path and how many pictures there are."""
        return f"{self._name} ({len(self._files)} picture{'s' * (len(self._files) > 1)})"

    def remarks(self) -> list[str]:
        """Nothing: a picture that cannot be read is an error."""
        return []

    def __enter__(self) -> "PictureFiles":
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def __iter__(self) -> Iterator[Frame]:
        for index, path in enumerate(self._files):
            picture = _read_picture(path)
            yield Frame(picture, index, index / self.fps, time.monotonic_ns())


def _read_picture(path: Path) -> Picture:
    """Decode a file to BGR uint8, turned upright where the camera noted how it was held (EXIF)."""
    try:
        picture = cv2.imdecode(np.fromfile(path, dtype=np.uint8), cv2.IMREAD_COLOR)
    except (OSError, cv2.error) as error:
        raise SourceError(f"cannot read the picture {path}: {error}") from error
    if picture is None:
        raise SourceError(f"{path} begins like a picture but cannot be decoded; is it cut short?")
    return as_bgr(picture)


class Film:
    """A video file or animated GIF.

    Raises:
        SourceError: OpenCV cannot open it, or there is no frame in it.
    """

    drops = 0
    has_cuts = True
    _ended = False

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read = 0
        self._capture = cv2.VideoCapture(str(path))
        if not self._capture.isOpened():
            raise SourceError(
                f"{path} is neither a video nor a picture that OpenCV can read; "
                "is it cut short, or of another kind?"
            )
        stated = float(self._capture.get(cv2.CAP_PROP_FPS))
        self.fps = stated if 0 < stated <= _MOST_FPS else _UNKNOWN_FPS
        count = float(self._capture.get(cv2.CAP_PROP_FRAME_COUNT))
        self._announced = int(count) if math.isfinite(count) and count > 0 else 0

    def describe(self) -> str:
        """The path, the rate and how many frames the file announces."""
        count = f", {self._announced} frames" if self._announced else ""
        return f"{self._path} ({self.fps:.4g} fps{count})"

    def remarks(self) -> list[str]:
        """Whether the film was read to its end and is much shorter than it announces.

        Some containers state a length and a rate only, so a difference below a tenth is
        no news.
        """
        if not self._ended or self._read >= 0.9 * self._announced:
            return []
        return [
            f"{self._path} announces {self._announced} frames and {self._read} could be read; "
            "is it cut short?"
        ]

    def __enter__(self) -> "Film":
        return self

    def __exit__(self, *_: object) -> None:
        self._capture.release()

    def __iter__(self) -> Iterator[Frame]:
        while True:
            delivered, picture = self._capture.read()
            if not delivered:
                break
            index = self._read
            self._read += 1
            yield Frame(as_bgr(picture), index, index / self.fps, time.monotonic_ns())
        self._ended = True
        if self._read == 0:
            raise SourceError(f"{self._path} opens as a video but no frame of it can be decoded")
