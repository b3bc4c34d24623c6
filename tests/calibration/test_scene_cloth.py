"""What shapes are filled with."""

import numpy as np
import pytest

from faceage_calibration.scene_cloth import colour_of, dress, part_of


def stripes() -> np.ndarray:
    """A picture of 200 x 300 whose blue counts columns and whose green counts rows."""
    picture = np.zeros((200, 300, 3), np.uint8)
    picture[..., 0] = np.arange(300) * 0.8
    picture[..., 1] = np.arange(200)[:, None]
    return picture


@pytest.mark.parametrize("cloths", [[], [stripes()]])
def test_a_shape_is_filled_and_the_rest_left(cloths: list[np.ndarray]) -> None:
    """Plain, lit or patterned: inside the mask something new, outside nothing."""
    random = np.random.default_rng(0)
    mask = np.zeros((120, 160), np.uint8)
    mask[30:90, 40:120] = 255
    kinds = set()
    for _ in range(40):
        frame = np.full((120, 160, 3), 9, np.uint8)
        dress(random, frame, mask, (200.0, 150.0, 100.0), cloths)
        assert (frame[mask == 0] == 9).all()
        assert (frame[mask > 0] != 9).any(axis=-1).mean() > 0.9
        kinds.add(len(np.unique(frame[mask > 0], axis=0)) > 1)
    assert kinds == {True, False}


def test_an_empty_shape_is_no_error() -> None:
    """A shape may lie outside the frame."""
    frame = np.full((20, 20, 3), 9, np.uint8)
    dress(np.random.default_rng(0), frame, np.zeros((20, 20), np.uint8), (1.0, 2.0, 3.0), [])
    assert (frame == 9).all()


def test_a_part_is_a_part() -> None:
    """Rows keep their order, columns do or are mirrored, and no finer than was asked for."""
    random = np.random.default_rng(1)
    turned = set()
    for _ in range(40):
        part = part_of(random, stripes(), 40, 30, most_reduced=2.0)
        assert part.shape == (30, 40, 3)
        down, across = part[-1, 0, 1].astype(int) - part[0, 0, 1], part[0, -1, 0].astype(int)
        across -= part[0, 0, 0]
        # At most two pixels become one: 29 rows apart is 58 of the picture at most.
        assert 0 < down <= 59 and 0 < abs(across) <= 0.8 * 79
        turned.add(across > 0)
    assert turned == {True, False}


def test_a_colour_is_one_of_the_picture() -> None:
    """Some pixel has it."""
    b, g, r = colour_of(np.random.default_rng(2), stripes())
    assert (stripes() == (b, g, r)).all(axis=2).any()
