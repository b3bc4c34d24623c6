"""What cameras do to scenes."""

import numpy as np

from faceage_calibration.scene_backgrounds import background, distract, scrambled
from faceage_calibration.scene_spoils import spoil


def test_spoiling_is_named_and_leaves_the_frame() -> None:
    """Each tag occurs in about its share of frames; the given frame stays as it was."""
    frame = np.tile(np.arange(0, 240, 2, dtype=np.uint8)[None, :, None], (90, 1, 3))
    kept = frame.copy()
    random = np.random.default_rng(0)
    tags = [spoil(random, frame, 1.0)[1] for _ in range(400)]
    np.testing.assert_array_equal(frame, kept)
    # Of the third with blur 1.2 of 2.0 is strong, of noise 8 of 14, of darkness 0.23 of 0.48.
    for name, share in (("blur", 0.2), ("noise", 0.19), ("dark", 0.16)):
        found = float(np.mean([name in some for some in tags]))
        assert abs(found - share) < 4 * np.sqrt(share * (1 - share) / 400), name


def test_dark_frames_are_dark() -> None:
    """What is tagged dark has at most 0.35 of its light, but for casts and noise."""
    frame = np.full((60, 80, 3), 160, np.uint8)
    random = np.random.default_rng(1)
    spoilt = [spoil(random, frame, 1.0) for _ in range(200)]
    dark = [float(picture.mean()) for picture, tags in spoilt if "dark" in tags]
    # 160 with contrast 1.25, gain 1.2 and shift 25, all at once, before it is darkened.
    assert dark and max(dark) < 0.35 * (32 * 1.25 * 1.2 + 128 + 25) + 5


def test_scrambled_chips_keep_their_pixels() -> None:
    """Blocks change places and turn: the same values, in another order."""
    chip = np.random.default_rng(2).integers(0, 256, (60, 60, 3), dtype=np.uint8)
    mixed = scrambled(np.random.default_rng(3), chip, 4)
    assert mixed.shape == chip.shape
    assert (mixed != chip).any()
    np.testing.assert_array_equal(np.sort(mixed, axis=None), np.sort(chip, axis=None))


def test_backgrounds_have_the_frames_size() -> None:
    """Every kind, with and without pictures and chips; none is a view of what was given."""
    random = np.random.default_rng(4)
    picture = np.full((50, 90, 3), 7, np.uint8)
    for _ in range(60):
        made = background(random, (160, 120), [picture], [picture[:48, :48]])
        assert (made.shape, made.dtype) == ((120, 160, 3), np.uint8)
        made[:] = 99
    assert background(random, (160, 120), [], []).shape == (120, 160, 3)
    assert (picture == 7).all()


def test_things_are_put_into_a_frame() -> None:
    """Most frames get some; a frame without scraps gets plain ones."""
    random = np.random.default_rng(5)
    touched = 0
    for _ in range(40):
        frame = np.full((240, 320, 3), 1, np.uint8)
        distract(random, frame, [], 0.5)
        touched += bool((frame != 1).any())
    assert touched > 25
