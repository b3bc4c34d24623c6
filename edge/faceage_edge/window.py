"""A live window: `faceage-camera --window`."""

import subprocess
import sys

import cv2

from faceage_edge.annotate import annotated
from faceage_edge.errors import OutputError
from faceage_edge.frames import Picture
from faceage_edge.result import FrameResult

__all__ = ["Window"]

_NAME = "faceage"
_ESCAPE, _QUIT = 27, ord("q")
_PROBE = "import cv2; cv2.namedWindow('probe')"
_PATIENCE_S = 60


class Window:
    """Shows each frame, annotated; q, Escape or closing the window ends the run."""

    def __init__(self) -> None:
        """Find out whether windows can be had.

        Raises:
            OutputError: this OpenCV was built without them, or there is no display.
        """
        if not _opens_windows():
            raise OutputError(
                "--window: this OpenCV opens no window (opencv-python-headless has none, and "
                "without a screen no OpenCV does); install opencv-python in its place, or look "
                "through a browser with --preview 8000"
            )
        # Without OpenCV's own tools, one of which stores the picture.
        cv2.namedWindow(_NAME, cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO | cv2.WINDOW_GUI_NORMAL)
        self._shown = False

    def write(self, result: FrameResult, picture: Picture) -> None:
        """Show a frame.

        Raises:
            BrokenPipeError: the viewer closed the window: nobody looks any more.
        """
        if self._shown and cv2.getWindowProperty(_NAME, cv2.WND_PROP_VISIBLE) < 1:
            raise BrokenPipeError("the window was closed")
        cv2.imshow(_NAME, annotated(picture, result))
        if not self._shown:
            cv2.resizeWindow(_NAME, picture.shape[1], picture.shape[0])
        self._shown = True
        if cv2.waitKey(1) & 0xFF in (_ESCAPE, _QUIT):
            raise BrokenPipeError("the window was closed by a key")

    def __enter__(self) -> "Window":
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        cv2.destroyWindow(_NAME)


def _opens_windows() -> bool:
    """Try it in a process of its own: without a screen OpenCV's Qt aborts."""
    try:
        done = subprocess.run(
            [sys.executable, "-c", _PROBE], capture_output=True, timeout=_PATIENCE_S, check=False
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0
