"""How a crop of a face varies from look to look: where it is cut, light, blur, what hides it."""

import math
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from faceage_calibration.scene_spoils import spoil
from faceage_edge.crop import shrink, warp
from faceage_edge.geometry import CropTemplate, Similarity

__all__ = ["WEAR", "AgeWear", "wear"]


@dataclass(frozen=True)
class AgeWear:
    """How much crops vary.

    Attributes:
        shift: standard deviation of the crop's place, as a share of its side.
        scale: of its size, as a logarithm.
        turn: of its angle, in degrees.
        spoilt: share of crops that get blur, noise, darkness, casts or JPEG.
        small: share that were few pixels once, as faces far away are.
        hidden: share of which a patch is hidden.
        edged: share whose picture ends within the crop.
        mirrored: share that is seen in a mirror.
    """

    shift: float = 0.02
    scale: float = 0.05
    turn: float = 4.0
    spoilt: float = 0.35
    small: float = 0.15
    hidden: float = 0.15
    edged: float = 0.05
    mirrored: float = 0.5


# By the word that `--augment` calls it.
_NONE = AgeWear(shift=0, scale=0, turn=0, spoilt=0, small=0, hidden=0, edged=0, mirrored=0)
WEAR = {"all": AgeWear(), "mirror": replace(_NONE, mirrored=0.5), "none": _NONE}


def wear(
    random: np.random.Generator,
    canvas: NDArray[np.uint8],
    template: CropTemplate,
    amount: AgeWear,
) -> NDArray[np.uint8]:
    """Cut one crop out of a canvas as a camera might have seen it.

    Args:
        random: what chooses.
        canvas: uint8 (height, width, 3), BGR: the crop with room around.
        template: of the crop.
        amount: how much it may vary.

    Returns:
        uint8 (template.height, template.width, 3), BGR.
    """
    crop = warp(canvas, _window(random, canvas, template, amount), template.width, template.height)
    if random.random() < amount.mirrored:
        crop = np.ascontiguousarray(crop[:, ::-1])
    if random.random() < amount.small:
        width = int(random.integers(template.width // 4, template.width))
        crop = shrink(shrink(crop, width, width), template.width, template.height)
    if random.random() < amount.spoilt:
        crop = spoil(random, crop, 0.5)[0]
    if random.random() < amount.hidden:
        crop = _hidden(random, crop)
    if random.random() < amount.edged:
        crop = _edged(random, crop)
    return crop


def _window(
    random: np.random.Generator,
    canvas: NDArray[np.uint8],
    template: CropTemplate,
    amount: AgeWear,
) -> Similarity:
    """From canvas pixels to crop pixels: the canvas's middle, off by a little."""
    scale = math.exp(float(np.clip(random.normal(0, amount.scale), -0.2, 0.2)))
    angle = math.radians(float(np.clip(random.normal(0, amount.turn), -15, 15)))
    off = random.normal(0, amount.shift, 2) * template.width
    cos, sin = scale * math.cos(angle), scale * math.sin(angle)
    turn = np.array([[cos, -sin], [sin, cos]])
    centre = (np.array(canvas.shape[1::-1]) - 1) / 2 + off
    target = (np.array([template.width, template.height]) - 1) / 2
    return Similarity(np.column_stack([turn, target - turn @ centre]))


def _hidden(random: np.random.Generator, crop: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A patch of one colour over a fifth of the crop at most (DeVries and Taylor,
    arXiv:1708.04552)."""
    height, width = crop.shape[:2]
    wide, high = (int(side * random.uniform(0.1, 0.45)) for side in (width, height))
    left, top = int(random.integers(width - wide)), int(random.integers(height - high))
    b, g, r = (float(value) for value in random.integers(0, 256, 3))
    hidden = crop.copy()
    cv2.rectangle(hidden, (left, top), (left + wide, top + high), (b, g, r), -1)
    return hidden


def _edged(random: np.random.Generator, crop: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The picture ends in the crop, and its last pixels repeat, as the device does it."""
    side = int(random.integers(1, crop.shape[1] // 5))
    turns = int(random.integers(4))
    turned = np.rot90(crop, turns).copy()
    turned[:, :side] = turned[:, side : side + 1]
    return np.ascontiguousarray(np.rot90(turned, -turns))
