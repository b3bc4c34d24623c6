"""The installed `faceage-camera` on a board that says it is too hot or short of current."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from tests.edge.faults.fake_camera import FakeCamera
from tests.edge.faults.mounts import throttled_board
from tests.edge.faults.running import Running

Picture = npt.NDArray[np.uint8]

# The shipped models must be there: without them these tests say nothing.
pytestmark = [pytest.mark.usefixtures("shipped"), pytest.mark.slow]


@pytest.mark.parametrize(
    ("flags", "slowed", "said"),
    [("50005", True, "under-voltage"), ("50000", False, "under-voltage"), ("0", False, "health:")],
)
def test_a_board_that_is_held_back_gets_half_the_work(
    tmp_path: Path, astronaut: Picture, flags: str, slowed: bool, said: str
) -> None:
    """Now (bits 0 to 3) every other frame is let go; what was earlier is only told."""
    camera = FakeCamera(tmp_path / "camera", astronaut[:240, 60:380])
    words = ("--source", 0, "--health", 1)
    prefix = throttled_board(flags, 61000)
    with Running(*words, env=camera.environment(), prefix=prefix) as run:
        run.some(30)
        assert run.stop() == 0
    assert said in run.err and "61 °C" in run.err
    assert ("every other frame is let go" in run.err) is slowed
    frames = [result["frame"] for _, result in run.results][5:]
    # A loaded machine drops frames of its own; one that is not held back sees neighbours too.
    assert (1 in np.diff(frames)) is not slowed
