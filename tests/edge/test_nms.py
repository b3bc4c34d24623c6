"""Overlap and suppression, on boxes small enough to count squares."""

import numpy as np
import numpy.typing as npt
import pytest

from faceage_edge.detector import load_detector
from faceage_edge.geometry import Face, FrameBox, FrameLandmarks, covered
from faceage_edge.nms import overlap, suppress

Boxes = npt.NDArray[np.float64]

UNIT = (0.0, 0.0, 10.0, 10.0)

# Box, its share of the union with UNIT, its share of the smaller box, note.
OVERLAPS: list[tuple[tuple[float, float, float, float], float, float, str]] = [
    (UNIT, 1.0, 1.0, "the same"),
    ((5, 0, 15, 10), 50 / 150, 0.5, "half beside"),
    ((5, 5, 15, 15), 25 / 175, 0.25, "a quarter"),
    ((2, 2, 7, 7), 25 / 100, 1.0, "inside"),
    ((-5, -5, 15, 15), 100 / 400, 1.0, "around"),
    ((10, 0, 20, 10), 0.0, 0.0, "side by side"),
    ((50, 50, 60, 60), 0.0, 0.0, "far away"),
    ((20, 0, 5, 10), 0.0, 0.0, "the wrong way round"),
    ((5, 5, 5, 5), 0.0, 0.0, "a point inside"),
]


@pytest.mark.parametrize(("box", "of_union", "of_smaller", "note"), OVERLAPS)
def test_overlap(
    box: tuple[float, float, float, float], of_union: float, of_smaller: float, note: str
) -> None:
    """Shared squares over the union's, or over the smaller box's; the order does not matter."""
    first, second = np.array(UNIT), np.array(box)
    assert overlap(first, second[None])[0] == pytest.approx(of_union)
    assert overlap(second, first[None])[0] == pytest.approx(of_union)
    if note != "the wrong way round":
        one, other = FrameBox.of_corners(*UNIT), FrameBox.of_corners(*box)
        assert covered(one, other) == pytest.approx(of_smaller)


def test_overlap_with_none() -> None:
    """No other boxes, no overlaps."""
    assert overlap(np.array(UNIT), np.empty((0, 4))).shape == (0,)


def test_two_points_do_not_divide_by_zero() -> None:
    """Boxes without area share nothing."""
    point = np.array([3.0, 3.0, 3.0, 3.0])
    assert overlap(point, point[None])[0] == 0


def row(*lefts: float) -> Boxes:
    """Boxes of 10 by 10 in a row."""
    return np.array([[left, 0, left + 10, 10] for left in lefts], dtype=np.float64).reshape(-1, 4)


# Boxes, scores, threshold, kept, note.
CASES: list[tuple[Boxes, list[float], float, list[int], str]] = [
    (row(), [], 0.5, [], "none"),
    (row(0), [0.1], 0.5, [0], "one"),
    (row(0, 1, 2), [0.1, 0.9, 0.5], 0.5, [1], "a heap: the strongest"),
    (row(0, 100, 200), [0.1, 0.9, 0.5], 0.5, [1, 2, 0], "apart: all, strongest first"),
    (row(0, 5), [1, 2], 1 / 3, [1, 0], "overlap at the threshold stays"),
    (row(0, 5), [1, 2], 0.33, [1], "overlap above it goes"),
    (row(0, 4, 8), [3, 2, 1], 0.3, [0, 2], "a chain: the middle goes, the end stays"),
    (row(0, 4, 8), [2, 3, 1], 0.3, [1], "a chain from its middle"),
    (row(0, 0, 0), [1, 1, 1], 0.5, [0], "equal scores: the first"),
    (row(0, 100, 0, 100), [1, 1, 1, 1], 0.5, [0, 1], "equal scores keep their order"),
    (row(0, 1), [-5, -4], 0.5, [1], "negative logits"),
    (row(0, 0), [1, 1], 1.0, [0, 1], "a threshold of 1 keeps twins"),
]


@pytest.mark.parametrize(("boxes", "scores", "threshold", "kept", "note"), CASES)
def test_suppress(
    boxes: Boxes, scores: list[float], threshold: float, kept: list[int], note: str
) -> None:
    """The kept boxes, strongest first."""
    found = suppress(boxes, np.array(scores, dtype=np.float64), threshold)
    assert found.tolist() == kept
    assert found.dtype == np.intp


def test_a_box_within_a_larger_one_goes_by_its_own_area() -> None:
    """Of the smaller area it is wholly covered; of the union only by a quarter."""
    boxes = np.array([UNIT, (2.0, 2.0, 7.0, 7.0)])
    scores = np.array([2.0, 1.0])
    assert suppress(boxes, scores, 0.7).tolist() == [0, 1]
    faces = [
        Face(FrameBox.of_corners(*box.tolist()), FrameLandmarks(np.zeros((5, 2))), score)
        for box, score in zip(boxes, scores.tolist(), strict=True)
    ]
    assert load_detector("face-finder").aligner.distinct(faces) == faces[:1]


def test_against_the_plain_definition() -> None:
    """On random boxes it keeps what the textbook loop keeps, ties included."""
    chance = np.random.default_rng(8)
    for threshold in (0.2, 0.5, 0.8):
        corner = chance.uniform(0, 60, (300, 2))
        boxes = np.concatenate([corner, corner + chance.uniform(1, 30, (300, 2))], axis=1)
        scores = chance.integers(0, 20, 300).astype(np.float64)
        assert suppress(boxes, scores, threshold).tolist() == plainly(boxes, scores, threshold)


def plainly(boxes: Boxes, scores: Boxes, threshold: float) -> list[int]:
    """Go through the boxes from the strongest on; keep those that no kept one covers."""
    kept: list[int] = []
    for i in sorted(range(len(boxes)), key=lambda i: (-scores[i], i)):
        if all(overlap(boxes[j], boxes[i : i + 1])[0] <= threshold for j in kept):
            kept.append(i)
    return kept
