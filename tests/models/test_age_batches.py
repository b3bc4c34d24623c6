"""Batches of worn crops, made here or in processes beside."""

from itertools import islice

import numpy as np
import pytest
from tests.models.cut_faces import TEMPLATE, faces

from faceage_edge.crop import shrink
from faceage_models.age_batches import (
    Drawing,
    age_batches,
    batches_beside,
    resized,
    validation_crops,
)
from faceage_models.age_faces import middle
from faceage_models.age_wear import WEAR, AgeWear


def test_unworn_crops_are_the_device_s() -> None:
    """With `mirror` a batch holds the middle of the canvas or its mirror image, red first."""
    batch = next(age_batches(faces(8), Drawing(np.ones(8), 8, 0, (64,), WEAR["mirror"])))
    straight = middle(faces(1).canvases, TEMPLATE)[0, ..., ::-1]
    np.testing.assert_array_equal(validation_crops(faces(1), 64)[0], straight)
    crops = batch.crops[64]
    mirrored = sum(np.array_equal(one, straight[:, ::-1]) for one in crops)
    assert mirrored + sum(np.array_equal(one, straight) for one in crops) == 8
    assert sorted(batch.spans[:, 0].tolist()) == list(range(8))


def test_no_augmentation() -> None:
    """With none, every look of `--augment none` is the crop that the device makes."""
    batch = next(age_batches(faces(8), Drawing(np.ones(8), 8, 0, (64,), WEAR["none"])))
    straight = middle(faces(1).canvases, TEMPLATE)[0, ..., ::-1]
    for crop in batch.crops[64]:
        np.testing.assert_array_equal(crop, straight)


def test_one_look_in_two_sizes() -> None:
    """A teacher and its pupil see the same crop, each as large as it wants it."""
    batch = next(age_batches(faces(8), Drawing(np.ones(8), 8, 3, (32, 64))))
    assert batch.crops[32].shape == (8, 32, 32, 3)
    for large, small in zip(batch.crops[64], batch.crops[32], strict=True):
        np.testing.assert_array_equal(shrink(large, 32, 32), small)


def test_wear_varies_and_stays_near() -> None:
    """Shifts and sizes of a few per cent: the middle pixel moves by a few pixels at most."""
    shaken = AgeWear(spoilt=0, small=0, hidden=0, edged=0)
    batch = next(age_batches(faces(8), Drawing(np.ones(8), 64, 1, (64,), shaken)))
    rows = batch.crops[64][:, 32, 32, 1].astype(float)
    assert rows.std() > 0.5
    # Four standard deviations of the shift, 0.02 of 64 pixels each, and a pixel of rounding.
    assert np.abs(rows - 42).max() < 4 * 0.02 * 64 + 1


def test_rare_faces_may_be_drawn_oftener() -> None:
    """By their weights; without, each comes once before any comes again."""

    def ages(weights: np.ndarray) -> list[float]:
        batch = next(age_batches(faces(4), Drawing(weights, 400, 2, (64,), WEAR["mirror"])))
        return list(batch.spans[:, 0].tolist())

    assert [ages(np.ones(4)).count(age) for age in range(4)] == [100] * 4
    # One of four drawn with a probability of 0.7: 280 of 400, a standard deviation of 9.
    assert 240 < ages(np.array([1.0, 1.0, 1.0, 7.0])).count(3) < 320


@pytest.mark.parametrize("first", [0, 3])
def test_processes_beside_make_the_same_batches(first: int) -> None:
    """However many there are, and wherever a run goes on: a batch depends on its number."""
    drawing = Drawing(np.ones(6), 4, 5, (32, 64), first=first)
    wanted = list(islice(age_batches(faces(6), Drawing(np.ones(6), 4, 5, (32, 64))), 12))[first:]
    beside = batches_beside(faces(6), drawing, 2)
    for one, batch in zip(wanted, beside, strict=False):
        np.testing.assert_array_equal(batch.spans, one.spans)
        for side in (32, 64):
            np.testing.assert_array_equal(batch.crops[side], one.crops[side])
    beside.close()


def test_resized_crops_are_red_first() -> None:
    """Blue, green, red becomes red, green, blue; a crop of the wanted size is not touched else."""
    crop = np.zeros((4, 4, 3), np.uint8)
    crop[..., 0] = 200
    assert resized([crop], 4)[0, 0, 0].tolist() == [0, 0, 200]
    assert resized([crop], 2).shape == (1, 2, 2, 3)
