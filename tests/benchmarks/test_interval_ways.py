"""Ways to an interval, judged on faces that none of them was fitted on."""

import numpy as np
import pytest

from faceage_benchmarks import interval_ways
from faceage_benchmarks.interval_ways import WAYS, Estimates, judged
from faceage_calibration.interval_shape import fit_shape
from faceage_edge.interval import IntervalShape

QUICK = ("constant", "spread", "training_shape", "by_label")


def simulated(n: int, seed: int, *, learnt: bool = False) -> Estimates:
    """Faces whose errors grow with age; of those it learnt from, the model errs a third as far."""
    random = np.random.default_rng(seed)
    true = random.uniform(0, 80, n)
    spread = 1 + true / 20
    error = random.normal(0, spread) / (3 if learnt else 1)
    return Estimates(true, np.maximum(true + error, 0), spread)


@pytest.fixture(scope="module")
def shape() -> IntervalShape:
    """Fitted on faces that the model has learnt."""
    learnt = simulated(2000, 0, learnt=True)
    return fit_shape(learnt.true, learnt.years, learnt.spread)


def test_what_is_found(shape: IntervalShape, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who knows where the errors are larger beats one width, which holds the young too often."""
    monkeypatch.setattr(interval_ways, "WAYS", {name: WAYS[name] for name in QUICK})
    found = judged(simulated(1500, 1), shape)
    assert found["constant"]["score_ratio"] == 1
    assert found["spread"]["score_ratio"] < 0.95
    assert found["training_shape"]["score_ratio"] < 0.95
    for name, one in found.items():
        assert one["coverage"] == pytest.approx(0.9, abs=0.03) or name == "by_label"
        assert [row["from"] for row in one["decades"]] == list(range(0, 80, 10))
        assert sum(row["n"] for row in one["decades"]) == 1500
        assert one["reached"] == sum(row["reached"] for row in one["decades"])
    assert found["constant"]["decades"][0]["coverage"] > 0.97
    assert not found["constant"]["decades"][0]["reached"]
    # The hull may hold more of a decade than is asked of it, never less but by chance.
    assert all(row["ci95"][1] >= 0.9 for row in found["by_label"]["decades"])


def test_factors_hold_bands_alike(shape: IntervalShape) -> None:
    """Freer factors come nearer to what is asked of every band of the faces they are fitted on."""
    faces = simulated(1200, 2)
    bent = IntervalShape(shape.at, shape.below, tuple(4.0 if a < 40 else 1.0 for a in shape.at))

    def uneven(name: str) -> float:
        low, high = WAYS[name](faces, faces, bent)
        held = (faces.true >= low) & (faces.true <= high)
        decade = faces.true // 10
        return max(abs(float(held[decade == d].mean()) - 0.9) for d in range(8))

    assert uneven("evened_1") < uneven("evened_100") < uneven("training_shape")


def test_nobody_judges_what_it_fitted(
    shape: IntervalShape, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each face is asked about once, and is not among those that were fitted on then."""
    asked_of: list[float] = []

    def way(fitted: Estimates, asked: Estimates, _: IntervalShape) -> tuple[np.ndarray, np.ndarray]:
        assert not set(fitted.true) & set(asked.true)
        assert len(fitted.true) + len(asked.true) == 300
        asked_of.extend(asked.true)
        return asked.years - 5, asked.years + 5

    monkeypatch.setattr(interval_ways, "WAYS", {"constant": way})
    faces = simulated(300, 3)
    judged(faces, shape)
    assert sorted(asked_of) == sorted(faces.true)
