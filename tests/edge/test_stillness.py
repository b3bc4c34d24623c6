"""Whether anything moved that could be a face."""

import numpy as np
import numpy.typing as npt
import pytest

from faceage_edge.stillness import Stillness

Picture = npt.NDArray[np.uint8]
WALL: Picture = np.full((480, 640, 3), 90, np.uint8)


def changed(side: int = 0, *, by: int = 60, noise: int = 0, light: int = 0) -> Picture:
    """The wall, with a patch of other brightness, a sensor's noise, or in another light."""
    frame = WALL.astype(np.int16) + light
    frame += np.random.default_rng(1).integers(-noise, noise + 1, frame.shape)
    frame[200 : 200 + side, 300 : 300 + side] += by
    return frame.clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize(
    ("picture", "still", "note"),
    [
        (WALL, True, "the same"),
        (changed(noise=10), True, "noise"),
        (changed(8), True, "smaller than any face"),
        (changed(40), False, "as large as the smallest face"),
        (changed(40, by=-60), False, "and darker"),
        (changed(40, by=10), True, "a shadow"),
        (changed(light=50), False, "the light goes on"),
        (WALL[::2, ::2], False, "frames of another size"),
    ],
)
def test_what_moves_is_seen(picture: Picture, still: bool, note: str) -> None:
    """A patch of the smallest face's size is a change; noise and specks are none."""
    made = Stillness()
    made.keep(WALL)
    assert made.still(picture, 40.0) == still, note


def test_nothing_kept_is_not_still() -> None:
    """The first frame is always new."""
    assert not Stillness().still(WALL, 40.0)


def test_slow_changes_add_up() -> None:
    """Frames are compared with the one that was kept, not with the one before."""
    made = Stillness()
    made.keep(WALL)
    assert [made.still(changed(40, by=step), 40.0) for step in (10, 20, 30)] == [True, True, False]
