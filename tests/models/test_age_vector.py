"""The age vector and its loss."""

import numpy as np
import pytest

from faceage_edge.errors import UsageError
from faceage_models.age_heads import HEADS, head_named
from faceage_models.age_vector import earth_mover_loss, vector_targets

SPANS = np.array([[30.0, 30.0], [20.0, 29.0], [104.0, 104.0]])


def test_a_bell_around_the_age() -> None:
    """Its deviation is the one asked for; a span is flat inside; who is older counts as 100."""
    wanted = vector_targets(101, 5.0)(SPANS).astype(np.float64)
    ages = np.arange(101)
    np.testing.assert_allclose(wanted.sum(axis=1), 1, rtol=1e-5)
    mean = wanted @ ages
    assert mean[0] == pytest.approx(30, abs=1e-3) and mean[1] == pytest.approx(24.5, abs=0.05)
    assert np.sqrt(wanted[0] @ ages**2 - mean[0] ** 2) == pytest.approx(5, abs=0.01)
    assert np.ptp(wanted[1, 20:30]) < 1e-8 and wanted[2].argmax() == 100


def test_the_loss_grows_with_the_distance() -> None:
    """Mass at the age costs nothing, ten years off less than twenty: cross-entropy cannot tell."""
    wanted = np.zeros((3, 101), np.float32)
    wanted[:, 40] = 1
    logits = np.full((3, 101), -40, np.float32)
    for row, age in enumerate((40, 50, 60)):
        logits[row, age] = 40
    found = np.asarray(earth_mover_loss(wanted, logits, None))
    # Ten running sums of 101 are off by one: the root of their mean square, in percent.
    expected = 100 * np.sqrt(np.array([0, 10, 20]) / 101)
    np.testing.assert_allclose(found, expected, atol=0.02)


def test_the_contract_calls_it_a_distribution() -> None:
    """The device decodes it as any distribution of ages."""
    head = head_named("age-vector", deviation=3.0)
    assert head.described(101).head == "distribution"
    assert head.years(head.prior(np.array([[50.0, 50.0]]))[None]) == pytest.approx([50], abs=0.5)


def test_no_deviation() -> None:
    """It is years, above nought."""
    with pytest.raises(UsageError, match=r"--age-deviation 0: expected years above 0"):
        head_named("age-vector", deviation=0.0)


def test_a_squared_error_of_ages_from_0_to_1() -> None:
    """Ten years off cost 0.01; inside a span nothing."""
    head = HEADS["regression-mse"]
    outputs = np.array([[0.4], [0.25]], np.float32)
    found = head.loss(head.targets(SPANS[:2]), outputs, None)
    np.testing.assert_allclose(np.asarray(found), [0.01, 0], atol=1e-6)
