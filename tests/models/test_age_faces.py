"""Faces to learn ages from."""

import math

import numpy as np
import pytest

from faceage_calibration.labels import AgeBin, Label
from faceage_edge.errors import FacesError
from faceage_edge.geometry import CropTemplate
from faceage_models.age_faces import (
    TrainingFaces,
    age_batches,
    as_inputs,
    label_spans,
    middle,
    with_room,
)
from faceage_models.age_wear import AgeWear

STILL = AgeWear(shift=0, scale=0, turn=0, spoilt=0, small=0, hidden=0, edged=0)
TEMPLATE = CropTemplate(64, 64, np.array([[20, 25], [44, 25], [32, 37], [23, 48], [41, 48]], float))


def faces(count: int) -> TrainingFaces:
    """Canvases that count columns in blue and rows in green; face n is n years old."""
    side = with_room(TEMPLATE).width
    canvas = np.zeros((side, side, 3), np.uint8)
    canvas[..., 0], canvas[..., 1] = np.arange(side), np.arange(side)[:, None]
    spans = np.repeat(np.arange(count, dtype=float)[:, None], 2, axis=1)
    return TrainingFaces(np.repeat(canvas[None], count, axis=0), spans, tuple("ab" * count))


def test_spans_of_labels() -> None:
    """An exact age is a point, a bin ends before its end, an open one at 120."""
    labels = [Label(years=31.5), Label(bin=AgeBin(20, 30)), Label(bin=AgeBin(70, math.inf))]
    assert label_spans(labels).tolist() == [[31.5, 31.5], [20, 29], [70, 119]]
    with pytest.raises(FacesError, match="a face without an age"):
        label_spans([Label(gender="male")])


def test_the_middle_of_a_canvas_is_the_crop() -> None:
    """With room on each side, template and cut agree: the corner of the crop is 10 in."""
    room = with_room(TEMPLATE)
    assert (room.width, room.height) == (84, 84)
    np.testing.assert_array_equal(room.points - TEMPLATE.points, np.full((5, 2), 10))
    crop = middle(faces(1).canvases, TEMPLATE)[0]
    assert crop.shape == (64, 64, 3) and crop[0, 0].tolist() == [10, 10, 0]


def test_unworn_crops_are_the_device_s() -> None:
    """Without any wear a batch holds the middle of the canvas or its mirror image."""
    batch, targets = next(
        age_batches(
            faces(8), TEMPLATE, np.ones(8), size=8, seed=0,
            targets=lambda spans: spans.astype(np.float32), worn=STILL,
        )
    )  # fmt: skip
    straight = as_inputs(middle(faces(1).canvases, TEMPLATE))[0]
    mirrored = sum(np.array_equal(one, straight[:, ::-1]) for one in batch)
    assert mirrored + sum(np.array_equal(one, straight) for one in batch) == 8
    assert sorted(targets[:, 0].tolist()) == list(range(8))


def test_wear_varies_and_stays_near() -> None:
    """Shifts and sizes of a few per cent: the middle pixel moves by a few pixels at most."""
    shaken = AgeWear(spoilt=0, small=0, hidden=0, edged=0)
    batches = age_batches(
        faces(8), TEMPLATE, np.ones(8), size=64, seed=1,
        targets=lambda spans: spans.astype(np.float32), worn=shaken,
    )  # fmt: skip
    inputs, _ = next(batches)
    rows = inputs[:, 32, 32, 1] * 128 + 128
    assert rows.std() > 0.5
    # Three standard deviations of the shift, 0.02 of 64 pixels each, and half a pixel of rounding.
    assert np.abs(rows - 42).max() < 4 * 0.02 * 64 + 1


def test_rare_faces_may_be_drawn_oftener() -> None:
    """By their weights; without, each comes once before any comes again."""

    def ages(weights: np.ndarray) -> list[float]:
        batches = age_batches(
            faces(4), TEMPLATE, weights, size=400, seed=2,
            targets=lambda spans: spans.astype(np.float32), worn=STILL,
        )  # fmt: skip
        return list(next(batches)[1][:, 0].tolist())

    assert [ages(np.ones(4)).count(age) for age in range(4)] == [100] * 4
    # One of four drawn with a probability of 0.7: 280 of 400, a standard deviation of 9.
    assert 240 < ages(np.array([1.0, 1.0, 1.0, 7.0])).count(3) < 320
