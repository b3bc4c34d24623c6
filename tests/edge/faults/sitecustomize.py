"""A camera that does what a file says, in place of OpenCV's in a process that tests start.

Python imports this by itself where its folder is on PYTHONPATH. `$FACEAGE_FAKE_CAMERA` is a folder
with `frame.npy`, uint8 BGR, and `mode`: run, repeat, none, block, gone, small, `stuck opening` or
`stuck closing`. The last two never return from there and leave a file `opening` or `closing`; the
camera that is stuck closing is gone before. `$FACEAGE_FAKE_START`: seconds that loading takes
beside.
"""

import os
import sys
import time
from pathlib import Path
from typing import Any

_FOLDER = os.environ.get("FACEAGE_FAKE_CAMERA")
_FPS = 25.0


def _install(folder: Path) -> None:
    import cv2
    import numpy as np

    picture = np.load(folder / "frame.npy")
    noise = np.random.default_rng(0)

    class FakeCapture:
        """Stands in for cv2.VideoCapture, as far as the camera uses it."""

        def __init__(self, _number: int) -> None:
            self._stick("opening")
            self._due = time.monotonic()
            self._last = picture

        def _mode(self) -> str:
            return (folder / "mode").read_text().strip()

        def _stick(self, where: str) -> None:
            while self._mode() == f"stuck {where}":
                (folder / where).touch()
                time.sleep(0.01)

        def isOpened(self) -> bool:
            return self._mode() != "gone"

        def get(self, key: int) -> float:
            return _FPS if key == cv2.CAP_PROP_FPS else 0.0

        def set(self, *_: object) -> bool:
            return True

        def release(self) -> None:
            self._stick("closing")

        def grab(self) -> bool:
            while self._mode() == "block":
                time.sleep(0.01)
            self._due = max(self._due + 1 / _FPS, time.monotonic())
            time.sleep(max(self._due - time.monotonic(), 0))
            return self._mode() not in ("gone", "stuck closing")

        def retrieve(self) -> tuple[bool, Any]:
            mode = self._mode()
            if mode == "none":
                return True, None
            if mode != "repeat":
                shaken = picture + noise.normal(0, 2, picture.shape)
                self._last = shaken.clip(0, 255).astype(np.uint8)
            return True, self._last[::2, ::2].copy() if mode == "small" else self._last

    real = cv2.VideoCapture

    def capture(what: Any, *more: Any) -> Any:
        """A camera has a number; films stay what they are."""
        return FakeCapture(what) if isinstance(what, int) else real(what, *more)

    cv2.VideoCapture = capture  # type: ignore[assignment,misc]


# Only in workers: the supervisor opens no camera.
if _FOLDER and "-m" in sys.orig_argv and "faceage_edge.camera" in sys.orig_argv:
    time.sleep(float(os.environ.get("FACEAGE_FAKE_START", "0")))
    _install(Path(_FOLDER))
