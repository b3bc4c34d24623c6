"""What heads learn from spans of ages."""

import math

import numpy as np
import pytest

from faceage_edge.errors import UsageError
from faceage_models.age_heads import HEADS, head_named, rank_importance, with_distribution
from faceage_models.coral import coral_loss, label_levels
from faceage_models.keras_backend import training_keras

EXACT = np.array([[0.0, 0.0], [35.0, 35.0], [104.0, 104.0]])
# 20-29, and 70 and more up to 120.
BINS = np.array([[20.0, 29.0], [70.0, 119.0]])


def loss(name: str, spans: np.ndarray, outputs: np.ndarray) -> np.ndarray:
    """A head's loss of each face."""
    head = HEADS[name]
    wanted = head.targets(spans)
    values = head.loss(wanted, outputs.astype(np.float32), np.ones(100, np.float32))
    return np.asarray(values, np.float64)


def test_exact_ages_are_the_papers_levels() -> None:
    """Every rank is known, and the loss is CORAL's."""
    targets = HEADS["coral"].targets(EXACT)
    np.testing.assert_array_equal(targets[:, :100], label_levels(EXACT[:, 0]))
    assert (targets[:, 100:] == 1).all()
    logits = np.random.default_rng(0).normal(0, 3, (3, 100)).astype(np.float32)
    expected = float(np.asarray(coral_loss(targets[:, :100], logits)))
    assert loss("coral", EXACT, logits).mean() == pytest.approx(expected, rel=1e-5)


def test_ranks_inside_a_bin_are_not_asked() -> None:
    """Of 20-29: older than 19 yes, than 29 no, between them anything goes."""
    older, known = np.split(HEADS["coral"].targets(BINS), 2, axis=1)
    assert older[0].tolist() == [1.0] * 20 + [0.0] * 80
    assert np.flatnonzero(known[0] == 0).tolist() == list(range(20, 29))
    # Nobody says of a face of 70 and more that it is not 90.
    assert np.flatnonzero(known[1] == 0).tolist() == list(range(70, 100))
    logits = np.random.default_rng(1).normal(0, 2, (2, 100))
    moved = logits.copy()
    moved[0, 20:29] += 5
    np.testing.assert_allclose(loss("coral", BINS, logits), loss("coral", BINS, moved), rtol=1e-6)


def test_a_distribution_has_its_mass_in_the_span() -> None:
    """By hand: flat shares put 10 of 101 into 20-29; an exact age wants a bell around itself."""
    flat = np.zeros((2, 101))
    np.testing.assert_allclose(
        loss("distribution", BINS, flat), [-math.log(10 / 101), -math.log(31 / 101)], rtol=1e-5
    )
    wanted = HEADS["distribution"].targets(EXACT)
    np.testing.assert_allclose(wanted[:, :101].sum(axis=1), 1, rtol=1e-6)
    assert wanted[:, :101].argmax(axis=1).tolist() == [0, 35, 100]
    assert loss("distribution", EXACT, np.zeros((3, 101))).tolist() == pytest.approx(
        [math.log(101)] * 3, rel=1e-5
    )


def test_a_number_costs_what_it_is_outside() -> None:
    """In years: inside the span nothing."""
    outputs = np.array([[0.25], [0.65]])
    np.testing.assert_allclose(loss("regression", BINS, outputs), [0, 5], atol=1e-4)
    outputs = np.array([[0.02], [0.30], [1.00]])
    np.testing.assert_allclose(loss("regression", EXACT, outputs), [2, 5, 0], atol=1e-4)


def test_years_of_outputs() -> None:
    """Certain outputs give the age they are certain of."""
    ranks = np.where(np.arange(100) < 37, 30.0, -30.0)[None].astype(np.float32)
    assert HEADS["coral"].years(ranks) == pytest.approx([37])
    shares = np.full((1, 101), -30, np.float32)
    shares[0, 37] = 30
    assert HEADS["distribution"].years(shares) == pytest.approx([37])
    assert HEADS["regression"].years(np.array([[0.37]], np.float32)) == pytest.approx([37])


def test_a_group_head_is_cross_entropy() -> None:
    """Exact ages have one group, a span those it overlaps, an age between groups the nearest."""
    head = head_named("groups", "0-2,4-6,8-12,60+")
    spans = np.array([[2.0, 2.0], [6.0, 9.0], [3.0, 3.0], [7.5, 7.5], [20.0, 20.0], [95.0, 95.0]])
    np.testing.assert_array_equal(
        head.targets(spans),
        [[1, 0, 0, 0], [0, 1, 1, 0], [1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 1, 0], [0, 0, 0, 1]],
    )
    logits = np.log(np.array([[0.1, 0.2, 0.3, 0.4]] * len(spans)))
    wanted = head.targets(spans)
    found = head.loss(wanted, logits.astype(np.float32), np.ones(100, np.float32))
    expected = -np.log([0.1, 0.5, 0.1, 0.3, 0.3, 0.4])
    np.testing.assert_allclose(np.asarray(found), expected, rtol=1e-5)


def test_groups_begin_with_their_shares() -> None:
    """A face in two groups is half in each; the years are the mean of the groups' middles."""
    head = head_named("groups", "0,20,66")
    share = np.exp(head.prior(np.array([[5.0, 5.0], [10.0, 30.0], [70.0, 70.0], [19.0, 19.0]])))
    np.testing.assert_allclose(share, [0.625, 0.125, 0.25], atol=2e-4)
    assert head.years(np.log(share)[None]) == pytest.approx([share @ [10, 43, 77]], abs=0.01)
    assert HEADS["groups"].described(14).bounds[:2] == ((0, 6), (6, 11))


@pytest.mark.parametrize(
    "text", ["", "0", "0-9", "20,10", "0-9,5-14", "0,20,old", "5-2,8-9", "0,-1"]
)
def test_what_are_no_groups(text: str) -> None:
    """One message that says what is expected."""
    with pytest.raises(UsageError, match=r"--groups.*expected"):
        head_named("groups", text)


def test_two_losses_are_weighed() -> None:
    """CORAL's, and a quarter of the distribution's; the years are CORAL's alone."""
    head = with_distribution(0.25)
    spans = np.concatenate([EXACT, BINS])
    random = np.random.default_rng(2)
    ranks, ages = random.normal(0, 2, (5, 100)), random.normal(0, 2, (5, 101))
    outputs = np.concatenate([ranks, ages], axis=1).astype(np.float32)
    found = head.loss(head.targets(spans), outputs, np.ones(100, np.float32))
    expected = loss("coral", spans, ranks) + 0.25 * loss("distribution", spans, ages)
    np.testing.assert_allclose(np.asarray(found), expected, rtol=1e-5)
    np.testing.assert_array_equal(head.years(outputs), HEADS["coral"].years(outputs[:, :100]))


def test_importance_by_hand() -> None:
    """Of four faces aged 0, 1, 1, 2: above rank 0 are three, above 1 one, above 2 none."""
    weight = rank_importance([0, 1, 1, 2])
    np.testing.assert_allclose(weight[:3], np.sqrt([3 / 4, 3 / 4, 4 / 4]), rtol=1e-6)
    assert weight.shape == (100,) and weight.dtype == np.float32


def test_an_unknown_head() -> None:
    """Those there are are named."""
    with pytest.raises(UsageError, match="no head 'ranks'; there are coral, distribution"):
        head_named("ranks")


def test_a_squared_loss_begins_with_one_answer_for_all() -> None:
    """The median, whatever is seen: of a thousand features random weights would scatter it widely,
    and the square would have the network learn nothing else."""
    keras = training_keras()
    features = np.random.default_rng(0).uniform(0, 1, (50, 1280)).astype(np.float32)
    spread = {}
    for name in ("regression-mse", "regression"):
        taken = keras.Input((1280,))
        model = keras.Model(taken, HEADS[name].output(taken))
        HEADS[name].begin(model, np.array([[20.0, 20.0], [30.0, 30.0], [80.0, 80.0]]))
        spread[name] = HEADS[name].years(np.asarray(model(features)))
    np.testing.assert_allclose(spread["regression-mse"], 30, atol=1e-4)
    assert spread["regression"].std() > 5
