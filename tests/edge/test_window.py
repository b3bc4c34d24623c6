"""The live window, with a fake OpenCV window behind it."""

import cv2
import pytest
from tests.edge.results import PICTURE, face, result

from faceage_edge import window
from faceage_edge.errors import OutputError
from faceage_edge.window import Window


class Screen:
    """What is called of cv2's windows."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.shown = 0
        self.visible = 1.0
        self.key = -1
        self.destroyed = False
        monkeypatch.setattr(window, "_opens_windows", lambda: True)
        monkeypatch.setattr(cv2, "resizeWindow", lambda *_: None, raising=False)
        monkeypatch.setattr(cv2, "namedWindow", lambda *_: None, raising=False)
        monkeypatch.setattr(cv2, "imshow", self.show, raising=False)
        monkeypatch.setattr(cv2, "waitKey", lambda _: self.key, raising=False)
        monkeypatch.setattr(cv2, "getWindowProperty", lambda *_: self.visible, raising=False)
        monkeypatch.setattr(cv2, "destroyWindow", self.destroy, raising=False)

    def show(self, name: str, picture: object) -> None:
        self.shown += 1

    def destroy(self, name: str) -> None:
        self.destroyed = True


@pytest.mark.parametrize("way", ["q", "escape", "closed"])
def test_the_viewer_ends_the_run(monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    """A key or the window's own button counts as a reader that went away."""
    screen = Screen(monkeypatch)
    with Window() as sink:
        sink.write(result(0, face()), PICTURE)
        screen.key = {"q": ord("q"), "escape": 27, "closed": -1}[way]
        screen.visible = 0.0 if way == "closed" else 1.0
        with pytest.raises(BrokenPipeError):
            sink.write(result(1), PICTURE)
    assert screen.shown == (1 if way == "closed" else 2)
    assert screen.destroyed


@pytest.mark.parametrize("probe", ["raise SystemError('not implemented')", "import os; os.abort()"])
def test_an_opencv_without_windows_is_said(monkeypatch: pytest.MonkeyPatch, probe: str) -> None:
    """With what to do, before any frame is looked at: its error, or its abort without a screen."""
    monkeypatch.setattr(window, "_PROBE", probe)
    with pytest.raises(OutputError, match=r"install opencv-python .*--preview"):
        Window()
