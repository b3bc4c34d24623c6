"""BlazeFace (Bazarevsky et al., arXiv:1907.05047): the .tflite files of MediaPipe (Apache-2.0).

Short range: 128 pixels, for faces close by; back: 256 pixels. Both have 896 anchors, points in the
middles of the cells of two grids: two at each cell of the fine one, six at each of the coarse one.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from peer import Detector, Picture, digest_of, face_at

from faceage_edge.crop import shrink
from faceage_edge.geometry import Face
from faceage_edge.interpreter import open_interpreter
from faceage_edge.nms import suppress

LEAST_SCORE, MOST_OVERLAP = 0.6, 0.3
# Grid strides over the input's side, and anchors in a cell.
GRIDS = ((16, 2), (32, 6))
LARGEST_LOGIT = 80.0


def open_blazeface(path: Path, threads: int = 1) -> tuple[Detector, dict[str, str]]:
    """Open either file."""
    network = open_interpreter(path.read_bytes(), str(path), threads=threads)
    (source,) = network.get_input_details()
    outputs = {int(one["shape"][-1]): one["index"] for one in network.get_output_details()}
    side = int(source["shape"][1])
    anchors = _anchors(side)

    def detect(frame: Picture) -> list[Face]:
        square, scale = _square(frame, side)
        network.set_tensor(source["index"], square)
        network.invoke()
        logits = network.get_tensor(outputs[1])[0, :, 0].astype(np.float64)
        scores = 1 / (1 + np.exp(-np.clip(logits, -LARGEST_LOGIT, LARGEST_LOGIT)))
        passed = np.flatnonzero(scores > LEAST_SCORE)
        moves = network.get_tensor(outputs[16])[0, passed].astype(np.float64)
        centre = anchors[passed] * side
        middle, size = moves[:, :2] + centre, moves[:, 2:4]
        corners = np.concatenate([middle - size / 2, middle + size / 2], axis=1) * scale
        points = (moves[:, 4:].reshape(-1, 6, 2) + centre[:, None]) * scale
        return [
            face_at(_box(corners[i]), scores[passed[i]], _five(points[i]))
            for i in suppress(corners, scores[passed], MOST_OVERLAP)
        ]

    return detect, digest_of(path)


def _square(frame: Picture, side: int) -> tuple[NDArray[np.float32], float]:
    """Fit a frame into a square of -1..1 RGB; return it and how many frame pixels one of its is."""
    scale = max(frame.shape[:2]) / side
    small = shrink(frame, round(frame.shape[1] / scale), round(frame.shape[0] / scale))
    square = np.zeros((1, side, side, 3), np.float32)
    square[0, : small.shape[0], : small.shape[1]] = small[..., ::-1] / 127.5 - 1.0
    return square, scale


def _anchors(side: int) -> NDArray[np.float64]:
    """Middles of all cells as shares of the side, (896, 2)."""
    # The short-range network's strides are half as long, on half the side: the same grids.
    rows = []
    for stride, each in GRIDS:
        cells = 256 // stride
        for y in range(cells):
            for x in range(cells):
                rows += [((x + 0.5) / cells, (y + 0.5) / cells)] * each
    assert side in (128, 256)
    return np.array(rows)


def _box(corners: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.concatenate([corners[:2], corners[2:] - corners[:2]])


def _five(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Eyes, nose and the mouth's middle become our five: its corners, half the eyes' distance."""
    half = (points[1] - points[0]) * 0.35
    return np.array([points[0], points[1], points[2], points[3] - half, points[3] + half])
