"""Which detection found which face."""

import pytest

from faceage_benchmarks.matching import match, overlaps

Box = list[float]

IOU = [
    # one box, another, expected, note
    ([0, 0, 10, 10], [0, 0, 10, 10], 1.0, "the same"),
    ([0, 0, 10, 10], [10, 0, 10, 10], 0.0, "side by side"),
    ([0, 0, 10, 10], [50, 50, 10, 10], 0.0, "far apart"),
    ([0, 0, 10, 10], [5, 0, 10, 10], 1 / 3, "half over half"),
    ([0, 0, 10, 10], [0, 0, 20, 20], 0.25, "within the larger"),
    ([0, 0, 10, 10], [2, 2, 0, 0], 0.0, "a box of no size"),
]


@pytest.mark.parametrize(("box", "other", "expected", "note"), IOU)
def test_overlap(box: Box, other: Box, expected: float, note: str) -> None:
    """Overlap is intersection over union, whichever box is first."""
    assert overlaps([box], [other])[0, 0] == pytest.approx(expected), note
    assert overlaps([other], [box])[0, 0] == pytest.approx(expected), note


FACE, NEIGHBOUR = [0.0, 0, 40, 40], [45.0, 0, 40, 40]

MATCHES = [
    # labelled, detected, scores, expected, note
    ([FACE], [], [], [None], "nothing detected"),
    ([], [FACE], [0.9], [], "nothing labelled"),
    ([FACE], [FACE], [0.9], [0], "found"),
    ([FACE], [NEIGHBOUR], [0.9], [None], "a neighbour is another face"),
    ([FACE], [[-5.0, -12, 50, 60]], [0.9], [0], "a taller box, forehead to chin, is on the face"),
    ([FACE], [[0.0, 0, 80, 80]], [0.9], [None], "four times the face's area is too loose"),
    ([FACE], [[2.0, 0, 40, 40], FACE], [0.9, 0.8], [0], "the surer one of two takes the face"),
    ([FACE, NEIGHBOUR], [NEIGHBOUR, FACE], [0.9, 0.8], [1, 0], "each its own"),
    (
        [FACE, [8.0, 0, 40, 40]],
        [[7.0, 0, 40, 40], [6.0, 0, 40, 40]],
        [0.9, 0.8],
        [1, 0],
        "what the surer one took is not taken twice",
    ),
    ([FACE], [FACE, FACE], [0.5, 0.5], [0], "of equals the first"),
]


@pytest.mark.parametrize(("labelled", "detected", "scores", "expected", "note"), MATCHES)
def test_matching(
    labelled: list[Box],
    detected: list[Box],
    scores: list[float],
    expected: list[int | None],
    note: str,
) -> None:
    """The surer detection chooses first, and a face is found once."""
    assert match(labelled, detected, scores) == expected, note


def test_threshold() -> None:
    """The threshold itself is enough; it can be chosen."""
    box = [5.0, 0.0, 10.0, 10.0]
    assert match([[0.0, 0.0, 10.0, 10.0]], [box], [1.0], iou=1 / 3) == [0]
    assert match([[0.0, 0.0, 10.0, 10.0]], [box], [1.0], iou=0.34) == [None]
