"""What `--annotate` writes: an annotated film or picture.

Left on an error, an unfinished file is thrown away; an earlier file of that name is replaced
only by a whole one.
"""

import glob
import os
import tempfile
from pathlib import Path

import cv2
import numpy as np

from faceage_edge.annotate import annotated
from faceage_edge.atomic import write_bytes
from faceage_edge.crop import shrink
from faceage_edge.errors import OutputError, UsageError
from faceage_edge.frames import Picture
from faceage_edge.quiet_opencv import quiet_opencv
from faceage_edge.result import FrameResult

__all__ = ["AnnotatedFilm", "AnnotatedPicture", "fitted", "open_annotation"]


def open_annotation(target: Path, fps: float) -> "AnnotatedFilm | AnnotatedPicture":
    """Open the sink for `--annotate`.

    Args:
        target: ends in .mp4 for a film or .png for one picture.
        fps: the film's frames a second.

    Raises:
        UsageError: another ending.
        OutputError: the file cannot be written there; found out before any frame is read.
    """
    suffix = target.suffix.lower()
    if suffix not in (".mp4", ".png"):
        raise UsageError(
            f"cannot annotate to {target}: expected a file that ends in .mp4 (a film) or .png "
            "(the frame with the most faces)"
        )
    if target.is_dir():
        raise OutputError(f"{target} is a folder; give the name of a file that is to be written")
    try:
        # The one sure way to know; rights alone do not tell of a disk mounted read-only.
        with tempfile.TemporaryFile(dir=target.parent):
            pass
    except OSError as error:
        raise OutputError(
            f"cannot write {target}: {error.strerror or error}; "
            "choose a folder that exists and that you may write to"
        ) from error
    return AnnotatedFilm(target, fps) if suffix == ".mp4" else AnnotatedPicture(target)


class AnnotatedPicture:
    """The frame with the most faces, and of those the one with the largest face area, as PNG.

    Of frames that are equal in both, the first. No frame, no file.
    """

    def __init__(self, target: Path) -> None:
        self._target = target
        self._best: tuple[int, float] = (-1, 0.0)
        self._picture: Picture | None = None

    def write(self, result: FrameResult, picture: Picture) -> None:
        """Keep the frame, annotated, if it is the best so far."""
        worth = (len(result.faces), sum(face.box.area for face in result.faces))
        if worth > self._best:
            self._best, self._picture = worth, annotated(picture, result)

    def __enter__(self) -> "AnnotatedPicture":
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None and self._picture is not None:
            encoded, data = cv2.imencode(".png", self._picture)
            if not encoded:
                raise OutputError(f"OpenCV cannot encode {self._target} as PNG")
            write_bytes(self._target, data.tobytes())


class AnnotatedFilm:
    """Every frame, annotated, as MP4 (MPEG-4 part 2, which every OpenCV writes).

    The film's size is the first frame's; a later frame of another size is fitted into it. Frames
    lie at their own times: what a camera dropped shows as the frame before standing still.
    """

    # A camera may pause; the film shows at most this much of it standing still, in seconds.
    _longest_still_s = 2.0

    def __init__(self, target: Path, fps: float) -> None:
        self._target = target
        self._fps = fps
        # Beside the target, so that the rename is atomic; the ending tells OpenCV the container.
        self._beside = target.with_name(f".{target.stem}.{os.getpid()}.partial.mp4")
        self._writer: cv2.VideoWriter | None = None
        self._size = (0, 0)
        self._next = 0
        self._last: Picture | None = None

    def write(self, result: FrameResult, picture: Picture) -> None:
        """Append a frame at its time; left out where it comes sooner than the next one is due.

        Raises:
            OutputError: OpenCV cannot open the file.
        """
        if self._writer is None:
            self._writer = self._open(picture)
        due = round(result.time_s * self._fps)
        if due < self._next:
            return
        frame = fitted(annotated(picture, result), *self._size)
        still = frame if self._last is None else self._last
        for _ in range(min(due - self._next, round(self._longest_still_s * self._fps))):
            self._writer.write(still)
        self._writer.write(frame)
        self._next, self._last = due + 1, frame

    def _open(self, picture: Picture) -> cv2.VideoWriter:
        quiet_opencv()
        # Without odd pixels: the encoder's colour planes are half as large, and it would
        # silently cut the last row.
        self._size = (picture.shape[1] // 2 * 2, picture.shape[0] // 2 * 2)
        code = cv2.VideoWriter.fourcc(*"mp4v")
        writer = cv2.VideoWriter(str(self._beside), code, self._fps, self._size)
        if not writer.isOpened():
            raise OutputError(
                f"OpenCV cannot write {self._target} with frames of "
                f"{picture.shape[1]}x{picture.shape[0]} pixels as MP4; annotate to a .png instead"
            )
        return writer

    def __enter__(self) -> "AnnotatedFilm":
        self._clear()
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        try:
            if self._writer is not None:
                self._writer.release()
                if kind is None:
                    self._keep()
        except OSError as error:
            raise OutputError(f"cannot write {self._target}: {error.strerror or error}") from error
        finally:
            # Also where an interrupt came between OpenCV's making the file and our knowing of it.
            self._beside.unlink(missing_ok=True)

    def _clear(self) -> None:
        """Remove what processes that were killed at the same film left behind."""
        for path in self._target.parent.glob(f".{glob.escape(self._target.stem)}.*.partial.mp4"):
            process = path.name.split(".")[-3]
            if process.isdigit() and not Path("/proc", process).exists():
                path.unlink(missing_ok=True)

    def _keep(self) -> None:
        # OpenCV does not tell when a write failed; a film cut short by a full disk has no index.
        film = cv2.VideoCapture(str(self._beside))
        whole = film.isOpened()
        film.release()
        if not whole:
            raise OutputError(f"cannot write {self._target}: the film came out damaged; disk full?")
        self._beside.replace(self._target)


def fitted(picture: Picture, width: int, height: int) -> Picture:
    """Bring a picture to a film's size: cut by odd pixels, else scaled down and centred on black.

    Args:
        picture: uint8 (picture height, picture width, 3).
        width: of the film, in pixels.
        height: of the film, in pixels.

    Returns:
        uint8 (height, width, 3); the whole picture in its own proportions, never enlarged.
    """
    own_height, own_width = picture.shape[:2]
    if own_width - width in (0, 1) and own_height - height in (0, 1):
        return np.ascontiguousarray(picture[:height, :width])
    scale = min(width / own_width, height / own_height, 1.0)
    if scale < 1:
        own_width = max(round(own_width * scale), 1)
        own_height = max(round(own_height * scale), 1)
        picture = shrink(picture, own_width, own_height)
    canvas = np.zeros((height, width, 3), dtype=np.uint8)
    top, left = (height - own_height) // 2, (width - own_width) // 2
    canvas[top : top + own_height, left : left + own_width] = picture
    return canvas
