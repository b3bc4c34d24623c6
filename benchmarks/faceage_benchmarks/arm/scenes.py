"""What the camera loop is counted on: three scenes of 640 x 480, the same bytes every time."""

import math
from collections.abc import Iterator
from itertools import cycle, islice

import numpy as np
from numpy.typing import NDArray

from faceage_benchmarks.arm.guest_pass import HEIGHT, WIDTH
from faceage_benchmarks.arm.passes import pass_frame
from faceage_benchmarks.demo_clip import clip_frames, portrait

__all__ = ["LOOP_FRAMES", "SCENES", "scene_frames"]

SCENES = ("one-face", "four-faces", "idle")
# Frames that a count is the mean of, besides the first.
LOOP_FRAMES = 300
# A small sensor's noise in good light, in grey levels.
_NOISE = 2.0
# As many different ones in turn: drawing a new one for each frame takes longer than the loop.
_NOISES = 16
# Pixels by which heads sway, and frames of one sway.
_SWAY, _PERIOD = 6, 50

Picture = NDArray[np.uint8]


def scene_frames(name: str) -> Iterator[Picture]:
    """Yield the frames of a scene, uint8 (480, 640, 3), BGR.

    Args:
        name: `idle`, a wall with a sensor's noise; `one-face`, the demonstration's clip, in which a
            face moves across, nearer and away; `four-faces`, four that sway, with noise.
    """
    if name == "one-face":
        yield from islice(cycle(list(clip_frames(portrait()))), LOOP_FRAMES + 1)
        return
    random = np.random.default_rng(7)
    noises = [
        np.rint(random.normal(0, _NOISE, (HEIGHT, WIDTH, 3))).astype(np.int16)
        for _ in range(_NOISES)
    ]
    still = pass_frame(portrait(), 4 if name == "four-faces" else 0)
    for number in range(LOOP_FRAMES + 1):
        frame = still
        if name == "four-faces":
            shift = round(_SWAY * math.sin(2 * math.pi * number / _PERIOD))
            frame = np.roll(still, shift, axis=1)
        yield (frame + noises[number % _NOISES]).clip(0, 255).astype(np.uint8)
