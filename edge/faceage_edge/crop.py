"""The crop: how pixels of a frame become pixels of a model's input.

The only file of the project that warps or resizes pictures, so that training, calibration,
evaluation and the camera see the same face the same way. A test holds it.

Pictures are uint8 of shape (height, width, 3); the colour order passes through unchanged.
"""

import cv2
import numpy as np
import numpy.typing as npt

from faceage_edge.geometry import CropTemplate, FrameBox, FrameLandmarks, Similarity, similarity

__all__ = ["align", "cut", "cut_square", "pad", "shrink", "warp"]

Picture = npt.NDArray[np.uint8]

_MID_GREY = 128
# OpenCV's warpAffine takes pictures of fewer pixels a side than this (SHRT_MAX).
_LARGEST_SIDE = 32767
# Frame pixels beyond which a face is nowhere; keeps coordinates within whole numbers.
_FAR = 2.0**40


def align(frame: Picture, landmarks: FrameLandmarks, template: CropTemplate) -> Picture:
    """Cut a face out of a frame so that its landmarks lie on the template.

    Args:
        frame: uint8 (height, width, 3).
        landmarks: the face's five points in frame pixels.
        template: the crop's size and the landmarks' places in it.

    Returns:
        uint8 (template.height, template.width, 3); beyond the frame its edge pixels repeat.
    """
    return warp(frame, similarity(landmarks, template), template.width, template.height)


def warp(frame: Picture, transform: Similarity, width: int, height: int) -> Picture:
    """Resample a frame through a similarity from frame pixels to crop pixels.

    Bilinear; below half size the region is first reduced by whole-number averaging, since
    bilinear sampling skips pixels there and skin texture, which carries age, turns to noise.

    Args:
        frame: uint8 (frame height, frame width, 3).
        transform: from frame pixels to crop pixels.
        width: the crop's width in pixels.
        height: the crop's height in pixels.

    Returns:
        uint8 (height, width, 3).
    """
    matrix = transform.matrix
    factor = max(int(1 / max(transform.scale, 1e-6)), 1)
    if factor >= 2 or max(frame.shape[:2]) >= _LARGEST_SIDE:
        frame, matrix = _reduced(frame, transform, width, height, factor)
    warped = cv2.warpAffine(
        frame, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(warped, dtype=np.uint8)


def _reduced(
    frame: Picture, transform: Similarity, width: int, height: int, factor: int
) -> tuple[Picture, npt.NDArray[np.float64]]:
    """Average `factor` x `factor` blocks of the part of the frame that the crop shows."""
    inverse = cv2.invertAffineTransform(transform.matrix)
    corners = np.array([[0, 0], [width, 0], [0, height], [width, height]], dtype=np.float64)
    seen = np.clip(corners @ inverse[:, :2].T + inverse[:, 2], -_FAR, _FAR)
    frame_height, frame_width = frame.shape[:2]
    left, top = np.maximum(np.floor(seen.min(axis=0)).astype(int) - factor, 0)
    right, bottom = np.ceil(seen.max(axis=0)).astype(int) + factor
    # At least one block, also for a face that lies wholly outside the frame.
    left, top = min(left, max(frame_width - factor, 0)), min(top, max(frame_height - factor, 0))
    right, bottom = min(right, frame_width), min(bottom, frame_height)
    columns, rows = max((right - left) // factor, 1), max((bottom - top) // factor, 1)
    region = frame[top : top + rows * factor, left : left + columns * factor]
    small = cv2.resize(region, (columns, rows), interpolation=cv2.INTER_AREA)
    scale_x, scale_y = region.shape[1] / columns, region.shape[0] / rows
    # From pixels of the reduced region back to frame pixels, then on to the crop.
    back = np.array(
        [[scale_x, 0, scale_x / 2 - 0.5 + left], [0, scale_y, scale_y / 2 - 0.5 + top], [0, 0, 1]]
    )
    return np.asarray(small, dtype=np.uint8), transform.matrix @ back


def cut(frame: Picture, box: FrameBox, width: int, height: int) -> Picture:
    """Cut an upright box out of a frame and resize it.

    Args:
        frame: uint8 (frame height, frame width, 3).
        box: in frame pixels, edges of pixels counted (a box at (0, 0) of the frame's size is the
            whole frame); what lies beyond the frame is mid grey, zero to the MTCNN stages.
        width: the crop's width in pixels.
        height: the crop's height in pixels.

    Returns:
        uint8 (height, width, 3).
    """
    frame_height, frame_width = frame.shape[:2]
    left, top = round(box.x), round(box.y)
    right, bottom = max(round(box.x + box.width), left + 1), max(round(box.y + box.height), top + 1)
    inside = frame[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)]
    if inside.size == 0:
        return np.full((height, width, 3), _MID_GREY, dtype=np.uint8)
    above, below = max(-top, 0), max(bottom - frame_height, 0)
    borders = (above, below, max(-left, 0), max(right - frame_width, 0))
    if any(borders):
        grey = (_MID_GREY,) * 3
        inside = np.asarray(
            cv2.copyMakeBorder(inside, *borders, cv2.BORDER_CONSTANT, value=grey), dtype=np.uint8
        )
    return shrink(inside, width, height)


def cut_square(
    frame: Picture, x: float, y: float, side: float, *, into: Picture
) -> tuple[int, int, int]:
    """Cut a square out of a frame for a network that looks at one face: at little cost.

    Halved while it stays at least as large as wanted, then bilinear, as `warp` does it: a fifth to
    a half of the instructions of averaging at whatever ratio, and the network finds the same faces.

    Args:
        frame: uint8 (frame height, frame width, 3).
        x: of the square's left edge in frame pixels; what lies beyond the frame is mid grey.
        y: of its upper edge.
        side: of the square.
        into: uint8 (size, size, 3), where the crop is written.

    Returns:
        What it shows: left, top and side in whole frame pixels, a side that can be halved as often
        as need be.
    """
    side, size = max(side, 1.0), len(into)
    halves = max(int(side / size).bit_length() - 1, 0)
    whole = max(round(side / (1 << halves)), 1) << halves
    # Around the same middle; on a face of 20 pixels half a pixel is a twentieth of the distance
    # between the eyes, so that the caller is told where the square came to lie.
    left, top = round(x + (side - whole) / 2), round(y + (side - whole) / 2)
    picture = cut(frame, FrameBox(left, top, whole, whole), whole >> halves, whole >> halves)
    cv2.resize(picture, (size, size), dst=into, interpolation=cv2.INTER_LINEAR)
    return left, top, whole


def shrink(picture: Picture, width: int, height: int, *, into: Picture | None = None) -> Picture:
    """Resize a whole picture: averaging when it gets smaller, bilinear when it grows.

    Args:
        picture: uint8 (picture height, picture width, 3).
        width: the new width in pixels.
        height: the new height in pixels.
        into: uint8 (height, width, 3), where the new picture is written; its rows may lie apart.

    Returns:
        uint8 (height, width, 3): `into`, or a new one.
    """
    smaller = width < picture.shape[1] and height < picture.shape[0]
    interpolation = cv2.INTER_AREA if smaller else cv2.INTER_LINEAR
    resized = cv2.resize(picture, (width, height), dst=into, interpolation=interpolation)
    return np.asarray(resized, np.uint8)


def pad(picture: Picture, share: float) -> tuple[Picture, int, int]:
    """Surround a picture with its own edge pixels.

    Args:
        picture: uint8 (height, width, 3).
        share: width of the border on each side, as a share of the picture's side.

    Returns:
        The padded picture, and where the original's top left pixel now is (x, y).
    """
    height, width = picture.shape[:2]
    x, y = round(width * share), round(height * share)
    padded = cv2.copyMakeBorder(picture, y, y, x, x, cv2.BORDER_REPLICATE)
    return np.asarray(padded, dtype=np.uint8), x, y
