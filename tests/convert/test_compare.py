"""What int8 cost is computed as stated."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from faceage_calibration.faces import LabelledFace
from faceage_calibration.labels import AgeBin, Label
from faceage_calibration.pictures import MemorySource
from faceage_convert.compare import Comparison, age_errors, check_spread, compare_ages
from faceage_edge.age import Ages
from faceage_edge.errors import FacesError, ModelFileError

Years = npt.NDArray[np.float64]


def compared(before: Years, after: Years, labels: list[Label]) -> Comparison:
    """Compare two models' ages on faces with these labels."""
    faces = [LabelledFace(f"{i}", f"{i:064x}", x, MemorySource(b"")) for i, x in enumerate(labels)]
    return compare_ages(ages(before), ages(after), faces, mode="aligned", missed=0)


def ages(years: Years) -> Ages:
    """What a model says that states no spread."""
    return Ages(years, years * 0, years, years)


@pytest.fixture(scope="session")
def errors() -> dict[str, Any]:
    """True, float and int8 ages of 400 made-up faces."""
    random = np.random.default_rng(5)
    true = random.uniform(1, 90, 400).round()
    before = true + random.normal(0, 6, 400)
    return {"true": true, "before": before, "after": before + random.normal(0.2, 1, 400)}


def test_figures_agree_with_a_recomputation(errors: dict[str, Any]) -> None:
    """Means by hand, and the interval by another bootstrap of other random numbers."""
    true, before, after = errors["true"], errors["before"], errors["after"]
    found = compared(before, after, [Label(years=float(age)) for age in true])
    assert found.mae_float == pytest.approx(np.abs(before - true).mean())
    assert found.mae_int8 == pytest.approx(np.abs(after - true).mean())
    delta = np.abs(after - true) - np.abs(before - true)
    assert found.delta_mae == pytest.approx(delta.mean())
    random = np.random.default_rng(99)
    means = [random.choice(delta, len(delta)).mean() for _ in range(4000)]
    low, high = np.percentile(means, [2.5, 97.5])
    assert found.delta_mae_ci95 is not None
    # Both ends of two bootstraps differ by their own sampling: a tenth of the width is ample.
    assert found.delta_mae_ci95 == pytest.approx((low, high), abs=(high - low) / 10)
    shift = after - before
    assert (found.shift_mean, found.shift_mean_abs, found.shift_max_abs) == pytest.approx(
        (shift.mean(), np.abs(shift).mean(), np.abs(shift).max())
    )
    assert (found.youngest, found.oldest) == (after.min(), after.max())


def test_same_ages_cost_nothing() -> None:
    """Equal models give a delta of zero with an interval of no width."""
    years = np.array([3.0, 40.0])
    found = compared(years, years, [Label(years=5.0), Label(years=44.0)])
    assert (found.delta_mae, found.delta_mae_ci95) == (0, (0, 0))


def test_one_unlabelled_face_leaves_errors_out() -> None:
    """Errors over some of the faces would be another figure; shifts are still known."""
    years = np.array([3.0, 40.0])
    found = compared(years, years + 1, [Label(years=5.0), Label()])
    assert found.mae_float is found.delta_mae is found.delta_mae_ci95 is None
    assert found.shift_mean == 1


BINS = [
    (25.0, Label(bin=AgeBin(20, 30)), 0.0, "inside"),
    (30.5, Label(bin=AgeBin(20, 30)), 0.5, "above"),
    (18.0, Label(bin=AgeBin(20, 30)), 2.0, "below"),
    (99.0, Label(bin=AgeBin(70, float("inf"))), 0.0, "more than 70"),
    (25.0, Label(years=29.0, bin=AgeBin(20, 30)), 4.0, "an exact age wins"),
]


@pytest.mark.parametrize(("age", "label", "expected", "note"), BINS, ids=[case[3] for case in BINS])
def test_error_of_a_face(age: float, label: Label, expected: float, note: str) -> None:
    """The distance to the age, or outside the bin."""
    assert age_errors(np.array([age]), [label]).tolist() == [expected]


SPREADS: list[tuple[Years, list[Label], type[Exception] | None, str]] = [
    (np.full(30, 31.2), [Label(years=float(i)) for i in range(30)], ModelFileError, "constant"),
    (np.full(19, 31.2), [Label(years=float(i)) for i in range(19)], None, "too few faces to tell"),
    (np.arange(30.0), [Label(years=25.0 + i % 4) for i in range(30)], FacesError, "four ages"),
    (np.arange(30.0), [Label() for _ in range(30)], None, "no ages known"),
    (np.arange(30.0), [Label(years=25.0 + i % 5) for i in range(30)], None, "five ages"),
]


@pytest.mark.parametrize(
    ("after", "labels", "error", "note"), SPREADS, ids=[case[3] for case in SPREADS]
)
def test_spread(
    after: Years, labels: list[Label], error: type[Exception] | None, note: str
) -> None:
    """A constant answer and a set of one age are no measurement."""
    if error is None:
        check_spread(after, labels, "faces")
        return
    with pytest.raises(error, match="different ages"):
        check_spread(after, labels, "faces")
