"""The CORAL head: labels, loss, layer and the fused form."""

from typing import Any

import numpy as np
import pytest

from faceage_edge.errors import UsageError
from faceage_models import coral
from faceage_models.coral import coral_head_class, coral_loss, fuse_head, label_levels


@pytest.mark.parametrize(
    ("age", "levels", "note"),
    [
        (0, [0, 0, 0], "the first class is above no rank"),
        (2, [1, 1, 0], "an age is above the ranks below it"),
        (2.5, [1, 1, 1], "a fraction is above the whole year"),
        (90, [1, 1, 1], "an age beyond the last class is in the last class"),
    ],
)
def test_label_levels(age: float, levels: list[int], note: str) -> None:
    """Column k says whether the age is above k years."""
    assert label_levels([age], ranks=3).tolist() == [levels], note


@pytest.mark.parametrize("age", [-1, float("nan"), float("inf")])
def test_label_levels_refuses(age: float) -> None:
    """Ages that are no ages are refused by value."""
    with pytest.raises(UsageError, match=r"found the age .* from 0 up"):
        label_levels([30, age])


def test_loss_matches_hand_computation(keras: Any) -> None:
    """Two faces, two ranks: -[y log s(z) + (1-y) log(1 - s(z))], summed over ranks, averaged."""
    levels = np.array([[1, 0], [1, 1]], np.float32)
    logits = np.array([[0, 0], [2, -1]], np.float32)
    first = 2 * np.log(2)  # s(0) = 1/2 on either side
    second = np.log1p(np.exp(-2)) + np.log1p(np.exp(1))
    assert float(coral_loss(levels, logits)) == pytest.approx((first + second) / 2, abs=1e-6)


def test_loss_weighs_ranks(keras: Any) -> None:
    """A rank of weight 0 does not count."""
    levels, logits = np.array([[1.0, 0.0]]), np.array([[0.0, 50.0]], np.float32)
    assert float(coral_loss(levels, logits, importance=[1, 0])) == pytest.approx(np.log(2))


def test_loss_stays_finite_at_the_extremes(keras: Any) -> None:
    """A sure and wrong logit costs its size, not infinity."""
    assert float(coral_loss([[0.0]], np.array([[500.0]], np.float32))) == pytest.approx(500)


def test_falling_biases_give_falling_logits(keras: Any) -> None:
    """One shared vector and falling biases: no face is older than k + 1 but not than k."""
    head = coral_head_class()(100)
    features = np.random.default_rng(0).normal(size=(16, 8)).astype(np.float32)
    assert (np.diff(np.asarray(head(features)), axis=1) < 0).all()


def test_fused_head_gives_the_same_logits(keras: Any) -> None:
    """One Dense(100) with the vector repeated equals the head to 1e-6."""
    inputs = keras.Input((8,))
    model = keras.Model(inputs, coral_head_class()(100, name="coral")(inputs))
    model.layers[-1].rank_bias.assign(np.linspace(5.4, -4.6, 100))
    fused = fuse_head(model)
    features = np.random.default_rng(1).normal(size=(32, 8)).astype(np.float32)
    assert [type(layer).__name__ for layer in fused.layers] == ["InputLayer", "Dense"]
    np.testing.assert_allclose(np.asarray(fused(features)), np.asarray(model(features)), atol=1e-6)


def test_fuse_head_refuses_other_models(keras: Any) -> None:
    """A model with another head is named, not silently changed."""
    inputs = keras.Input((8,))
    model = keras.Model(inputs, keras.layers.Dense(3)(inputs))
    with pytest.raises(UsageError, match="is a Dense, expected a CoralHead"):
        fuse_head(model)


def test_head_learns_in_a_few_steps(keras: Any) -> None:
    """Gradients reach the shared vector and the biases: a tiny set is fitted to a year."""
    random = np.random.default_rng(2)
    features = random.normal(size=(64, 4)).astype(np.float32)
    ages = np.clip(np.round(5 + 2 * features[:, 0]), 0, 10)
    inputs = keras.Input((4,))
    model = keras.Model(inputs, coral_head_class()(10)(inputs))
    model.compile(keras.optimizers.Adam(0.1), loss=coral_loss, jit_compile=False)
    model.fit(features, label_levels(ages, ranks=10), epochs=60, batch_size=64, verbose=0)
    estimated = (1 / (1 + np.exp(-np.asarray(model(features), np.float64)))).sum(axis=1)
    assert np.abs(estimated - ages).mean() < 0.5


def test_class_is_made_once_and_found_by_name(keras: Any) -> None:
    """`coral.CoralHead` is the one registered class."""
    assert coral.CoralHead is coral_head_class()
    assert keras.saving.get_registered_object("faceage>CoralHead") is coral_head_class()


def test_unknown_name_is_an_attribute_error() -> None:
    """The lazy class does not make every name exist."""
    with pytest.raises(AttributeError, match="no attribute 'Coral'"):
        _ = coral.Coral
