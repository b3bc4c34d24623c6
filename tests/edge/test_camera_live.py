"""`faceage-camera` before a live camera, played by a fake one, with fake models."""

import json
import os
import re
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from faceage_edge import camera, sources
from faceage_edge.age import Ages
from faceage_edge.errors import SourceError
from faceage_edge.frames import CameraRequest, Frame
from faceage_edge.geometry import CropTemplate, Face
from faceage_edge.loading import Models

Picture = npt.NDArray[np.uint8]
DELIVERED = 40


class FakeCamera:
    """Delivers frames at 100 a second until it is told to stop or to hang."""

    fps = 100.0
    drops = 0
    has_cuts = False
    then: Callable[[], None]
    released = False

    def __init__(self, number: int, request: CameraRequest) -> None:
        assert (number, request) == (2, CameraRequest(width=320))

    def describe(self) -> str:
        return "camera 2"

    def remarks(self) -> list[str]:
        return []

    def __enter__(self) -> "FakeCamera":
        return self

    def __exit__(self, *_: object) -> None:
        type(self).released = True

    def __iter__(self) -> Iterator[Frame]:
        for index in range(DELIVERED):
            time.sleep(0.01)
            yield Frame(np.zeros((48, 64, 3), np.uint8), index, index / 100, time.monotonic_ns())
        type(self).then()


class FakeAge:
    template = CropTemplate(16, 16, np.zeros((5, 2)))

    def estimate(self, crops: Picture) -> Ages:
        raise AssertionError(f"no face was found, yet {len(crops)} crops came")


class SlowDetector:
    def detect(self, frame: Picture, *, min_face: float | None) -> list[Face]:
        assert frame.shape == (48, 64, 3)
        assert min_face is None
        time.sleep(0.05)
        return []


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> type[FakeCamera]:
    """The fake camera's class, in place of OpenCV's."""
    models = Models(FakeAge(), SlowDetector(), Path("age"), Path("mtcnn"))  # type: ignore[arg-type]
    monkeypatch.setattr(camera, "load_bundle", lambda *_, **__: models)
    monkeypatch.setattr(sources, "Camera", FakeCamera)
    monkeypatch.setattr(FakeCamera, "released", False)
    return FakeCamera


def test_a_slow_model_sees_the_freshest_frames_and_drops_are_told(
    fake: type[FakeCamera],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """No result is of an old frame, every frame is a result or a drop, the loss is an error."""

    def unplugged() -> None:
        raise SourceError("camera 2 stopped delivering")

    monkeypatch.setattr(fake, "then", unplugged, raising=False)
    assert camera.main(["--source", "2", "--width", "320", "--every-frame"]) == 1
    out, err = capsys.readouterr()
    results = [json.loads(line) for line in out.splitlines()]
    found = re.search(r"frames (\d+), .* drops (\d+),", err)
    assert found is not None
    frames, drops = int(found[1]), int(found[2])
    assert frames == len(results) < DELIVERED / 2
    assert frames + drops == DELIVERED
    assert results[-1]["frame"] == DELIVERED - 1
    # A frame waits at most until the one before it is done: twice the model's 50 ms, and the
    # hiccups of a shared machine. In a queue the last one would have waited over a second.
    assert max(result["latency_ms"] for result in results) < 500
    assert err.splitlines()[-1] == "faceage-camera: error: camera 2 stopped delivering"
    assert fake.released


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_wait_for_a_camera_that_hangs(
    fake: type[FakeCamera],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    number: int,
) -> None:
    """Ctrl-C works though the camera's read never returns: summary, code 0, soon."""
    let_go = threading.Event()
    began: list[float] = []

    def hang() -> None:
        began.append(time.monotonic())
        os.kill(os.getpid(), number)
        let_go.wait(30)

    monkeypatch.setattr(fake, "then", hang, raising=False)
    assert camera.main(["--source", "2", "--width", "320", "--every-frame"]) == 0
    # Leaving the camera's thread behind takes the two seconds that stop() grants a last read.
    assert time.monotonic() - began[0] < 4
    let_go.set()
    assert re.search(r"frames \d+, ", capsys.readouterr().err)
