"""The scores of a model of age groups, against values worked out by hand."""

from typing import Any

import numpy as np
import pytest

from faceage_benchmarks.age_figures import age_figures
from faceage_benchmarks.group_scores import confusion_matrix, roc_auc, scores, true_groups
from faceage_benchmarks.result import bootstrap_settings
from faceage_calibration.errors import SamplesError

BOUNDS = ((0.0, 20.0), (20.0, 40.0), (40.0, 62.0))
SETTINGS = bootstrap_settings("faces")

LABELS = [
    # label, its group, note
    (0.0, 0, "newborn"),
    (19.99, 0, "not twenty yet"),
    (20.0, 1, "a group's lower end belongs to it"),
    (39.5, 1, "its upper end does not"),
    (80.0, 2, "beyond all groups: the nearest"),
    ([20.0, 30.0], 1, "a bin inside one group"),
    ([10.0, 20.0], 0, "up to the birthday"),
    ([10.0, 30.0], -1, "in two groups"),
    ([70.0, None], 2, "an open bin beyond all"),
]


@pytest.mark.parametrize(("label", "group", "note"), LABELS)
def test_the_group_of_a_label(label: Any, group: int, note: str) -> None:
    """Ages and bins are in the group they overlap."""
    assert true_groups([label], BOUNDS).tolist() == [group], note


AREAS = [
    # positive, scores, area, note
    ([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8], 0.75, "three of four pairs in order"),
    ([0, 1], [0.5, 0.5], 0.5, "a tie is a half"),
    ([0, 1, 1], [0.2, 0.2, 0.9], 0.75, "a half and a whole"),
    ([1, 0], [0.1, 0.9], 0.0, "the wrong way round"),
    ([1, 1], [0.1, 0.9], None, "nothing to tell from"),
]


@pytest.mark.parametrize(("positive", "score", "area", "note"), AREAS)
def test_area_under_the_curve(
    positive: list[int], score: list[float], area: float | None, note: str
) -> None:
    """It is the share of pairs of a positive and a negative that stand in order."""
    assert roc_auc(np.array(positive, bool), np.array(score)) == area, note


def certain(groups: list[int], sure: float = 0.8) -> list[list[float]]:
    """Probabilities of three groups: `sure` of one, the rest for the others."""
    return [[sure if own == group else (1 - sure) / 2 for own in range(3)] for group in groups]


# Six faces: two, three and one of the groups; said 0 1, 1 1 0, 1: nobody is put into the third.
TRUE, SAID = [0, 0, 1, 1, 1, 2], [0, 1, 1, 1, 0, 1]


def test_confusion() -> None:
    """Rows are the truth, columns what was said."""
    table = confusion_matrix(np.array(TRUE), np.array(SAID), 3)
    assert table.tolist() == [[1, 1, 0], [1, 2, 0], [0, 1, 0]]


def test_scores_by_hand() -> None:
    """Precision 1/2, 2/4, 0; recall 1/2, 2/3, 0; F1 1/2, 4/7, 0."""
    found = scores(np.array(TRUE), np.array(certain(SAID)), 0.95)
    assert (found["n"], found["accuracy"], found["majority"]) == (6, 0.5, 0.5)
    expected = {
        "precision_macro": (1 / 2 + 1 / 2) / 3,
        "precision_weighted": (2 / 2 + 3 / 2) / 6,
        "recall_macro": (1 / 2 + 2 / 3) / 3,
        "recall_weighted": (2 / 2 + 3 * 2 / 3) / 6,
        "f1_macro": (1 / 2 + 4 / 7) / 3,
        "f1_weighted": (2 / 2 + 3 * 4 / 7) / 6,
        # Pairs in order, a tie being a half: of the first group's two faces 3.5 and 1.5 of 4 each,
        # of the second's 2, 2 and 0.5 of 3 each, of the third's 2.5 of 5.
        "roc_auc_macro": (5 / 8 + 4.5 / 9 + 1 / 2) / 3,
    }
    assert {key: found[key] for key in expected} == pytest.approx(expected)
    assert found["roc_auc_weighted"] == pytest.approx((2 * 5 / 8 + 3 * 4.5 / 9 + 1 / 2) / 6)
    assert found["per_group"][1] == pytest.approx(
        {"n": 3, "precision": 0.5, "recall": 2 / 3, "f1": 4 / 7, "roc_auc": 0.5}
    )


def test_an_absent_group_is_in_no_mean() -> None:
    """A group without a face or a prediction leaves the macro means as they are."""
    found = scores(np.array([0, 1]), np.array(certain([0, 1])), 0.95)
    assert found["precision_macro"] == found["recall_macro"] == found["f1_macro"] == 1.0
    assert found["roc_auc_macro"] == 1.0 and found["per_group"][2]["roc_auc"] is None


def samples(**more: Any) -> dict[str, Any]:
    """Samples of an accuracy result by a model of three groups."""
    return {
        "unit": "years",
        "true": [5.0, 15.0, 25.0, 30.0, 35.0, 50.0],
        "predicted": [10.0, 30.0, 30.0, 30.0, 10.0, 30.0],
        "found": [True] * 6,
        "age_groups": {"bounds": [list(pair) for pair in BOUNDS]},
        "group_shares": certain(SAID),
        **more,
    }


def test_they_stand_in_an_accuracy_result() -> None:
    """With those of a second model, and the difference face by face."""
    figures = age_figures(samples(), SETTINGS)
    assert figures["group_scores"]["confusion"] == [[1, 1, 0], [1, 2, 0], [0, 1, 0]]
    assert figures["group_scores"]["bounds"] == [[0.0, 20.0], [20.0, 40.0], [40.0, 62.0]]
    assert "delta_accuracy" not in figures
    both = samples(against_predicted=[10.0] * 6, against_group_shares=certain(TRUE))
    figures = age_figures(both, SETTINGS)
    assert figures["against_group_scores"]["accuracy"] == 1.0
    assert figures["delta_accuracy"] == -0.5
    low, high = figures["delta_accuracy_ci95"]
    assert low < -0.5 < high


def test_bins_in_several_groups_are_counted_apart() -> None:
    """A face whose bin lies in two groups is right in neither."""
    bins = [[0.0, 10.0], [10.0, 20.0], [20.0, 30.0], [20.0, 40.0], [10.0, 30.0], [50.0, None]]
    figures = age_figures(samples(unit="bins", true=bins), SETTINGS)["group_scores"]
    assert (figures["n"], figures["ambiguous"], figures["accuracy"]) == (5, 1, 3 / 5)


WRONG = [
    (
        {"group_shares": certain(SAID[:-1])},
        "5 samples of 'group_shares' for 6 faces",
        "a face less",
    ),
    (
        {"group_shares": [row[:2] for row in certain(SAID)]},
        r"3 age groups, found .*\(6, 2\)",
        "two",
    ),
    ({"unit": "bins", "true": [[0.0, None]] * 6}, "lies in one age group", "everywhere"),
]


@pytest.mark.parametrize(("changed", "message", "note"), WRONG)
def test_samples_that_do_not_fit(changed: dict[str, Any], message: str, note: str) -> None:
    """They are refused, and it is said why."""
    with pytest.raises(SamplesError, match=message):
        age_figures(samples(**changed), SETTINGS)
