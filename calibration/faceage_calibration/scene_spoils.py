"""What cameras do to scenes: blur, darkness, colour casts, noise, compression."""

import cv2
import numpy as np
import numpy.typing as npt

from faceage_calibration.pictures import Picture

__all__ = ["spoil"]

# From here on a condition is worth a tag: half of what blur, noise and darkness reach.
_BLUR_TAG = 1.2
_NOISE_TAG = 8.0
_DARK_TAG = 0.35

_Random = np.random.Generator
_Values = npt.NDArray[np.float32]


def spoil(random: _Random, frame: Picture, unit: float) -> tuple[Picture, frozenset[str]]:
    """Spoil a frame: each of blur, darkness and noise one time in three, casts and JPEG oftener.

    Args:
        random: what chooses.
        frame: uint8 (height, width, 3), BGR; not changed.
        unit: pixels of the frame for one pixel at 640 x 480: blur is that much smaller.

    Returns:
        The spoilt frame, and what is strong enough to be named: `blur` (sigma of 1.2 pixels and
        more at 640 x 480), `dark` (a third of the light and less), `noise` (sigma of 8 levels and
        more).
    """
    tags = set()
    values = frame.astype(np.float32)
    if random.random() < 1 / 3:
        sigma = random.uniform(0.4, 2.4)
        values = np.asarray(cv2.GaussianBlur(values, (0, 0), max(sigma * unit, 0.2)), np.float32)
        tags |= {"blur"} if sigma >= _BLUR_TAG else set()
    if random.random() < 1 / 2:
        values = _cast(random, values)
    if random.random() < 1 / 3:
        gain = random.uniform(0.12, 0.6)
        values = np.asarray(values * gain, np.float32)
        tags |= {"dark"} if gain <= _DARK_TAG else set()
    if random.random() < 1 / 3:
        sigma = random.uniform(2, 16)
        values = values + random.standard_normal(values.shape, np.float32) * np.float32(sigma)
        tags |= {"noise"} if sigma >= _NOISE_TAG else set()
    spoilt = np.clip(np.rint(values), 0, 255).astype(np.uint8)
    if random.random() < 1 / 2:
        spoilt = _compressed(random, spoilt)
    return spoilt, frozenset(tags)


def _cast(random: _Random, values: _Values) -> _Values:
    """Light of another colour, another contrast; sometimes no colour at all."""
    if random.random() < 0.15:
        grey = values.mean(axis=2, keepdims=True)
        return np.asarray(np.repeat(grey, 3, axis=2), np.float32)
    gains = random.uniform(0.8, 1.2, 3).astype(np.float32)
    contrast = np.float32(random.uniform(0.7, 1.25))
    shift = np.float32(random.uniform(-25, 25))
    return np.asarray((values - 128) * contrast * gains + 128 + shift, np.float32)


def _compressed(random: _Random, frame: Picture) -> Picture:
    quality = int(random.integers(35, 95))
    data = cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)
