"""Ages from outputs, against examples by hand and brute force."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from faceage_edge.age import (
    AgeModel,
    Ages,
    decode_ages,
    decode_genders,
    gender_labels,
    group_shares,
    load_age_model,
)
from faceage_edge.bundles import find
from faceage_edge.contract import Contract, Interval
from faceage_edge.errors import ContractError
from faceage_edge.model import load_model

Golden = Callable[[str], Contract]


def log_odds(*probabilities: float) -> list[float]:
    """The logits of probabilities."""
    return [float(np.log(p / (1 - p))) for p in probabilities]


def shares(*probabilities: float) -> list[float]:
    """Logits whose softmax these are, with an offset that must not matter."""
    return [float(np.log(p)) + 5 for p in probabilities]


def decoded(contract: Contract, *rows: list[float], decode: str = "sum") -> Ages:
    """Decode rows of the contract's first output."""
    values = np.array(rows, dtype=np.float32)
    return decode_ages({contract.outputs[0].name: values}, contract, decode=decode)


def distribution_of(tail: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """P(age = k) from P(age > k)."""
    reached = np.concatenate([[1.0], tail])
    return np.asarray(reached - np.append(reached[1:], 0))


# Golden contract, output values, years, spread, note.
CASES: list[tuple[str, list[float], float, float, str]] = [
    # sum (2k + 1) P(age > k) - mean^2: (1 + 3 + 5 + 7) / 2 - 4
    ("age-coral", [0.0] * 4, 2.0, 4**0.5, "four even chances"),
    ("age-coral", [50.0] * 4, 4.0, 0.0, "certainly beyond every rank"),
    ("age-coral", [-50.0] * 4, 0.0, 0.0, "certainly the first age"),
    ("age-coral", [60.0, 60.0, -60.0, -60.0], 2.0, 0.0, "certainly two"),
    # 0.9 + 3 x 0.6 + 5 x 0.3 + 7 x 0.2 - 4
    ("age-coral", log_odds(0.9, 0.6, 0.3, 0.2), 2.0, 1.6**0.5, "four chances"),
    ("age-coral", [1e4, 1e4, -1e4, -1e4], 2.0, 0.0, "logits that would overflow exp"),
    ("age-distribution", shares(0.2, 0.5, 0.3), 19.1, 0.49**0.5, "18 to 20"),
    ("age-distribution", [1e4, 0.0, -1e4], 18.0, 0.0, "certain, in huge logits"),
    ("age-distribution", [7.0, 7.0, 7.0], 19.0, (2 / 3) ** 0.5, "undecided"),
    # 0.5 x 1.5^2 + 0.25 x 5.5^2 + 0.25 x 80^2 - 22.125^2
    ("age-groups", shares(0.5, 0.25, 0.25), 22.125, 1119.171875**0.5, "centres 1.5, 5.5 and 80"),
    ("age-regression", [0.0], -2.5, 0.0, "the offset alone"),
    ("age-regression", [0.4], 37.5, 0.0, "0.4 x 100 - 2.5"),
]


@pytest.mark.parametrize(("name", "values", "years", "spread", "note"), CASES)
def test_by_hand(
    name: str, values: list[float], years: float, spread: float, note: str, golden_contract: Golden
) -> None:
    """Each head decodes to the years and the spread that a pencil gives."""
    ages = decoded(golden_contract(name), values)
    assert ages.years[0] == pytest.approx(years, abs=1e-5)
    assert ages.spread[0] == pytest.approx(spread, abs=1e-3)
    numbers = (ages.years, ages.spread, ages.low, ages.high)
    assert {field.dtype for field in numbers} == {np.dtype(np.float64)}


def test_the_spread_is_that_of_the_distribution(golden_contract: Golden) -> None:
    """The formula on tail probabilities equals the deviation of the ages drawn from them."""
    chance = np.random.default_rng(4)
    size = 100
    contract = golden_contract("age-coral")
    output = replace(contract.outputs[0], size=size, rank_bias=(), first_age=10)
    contract = replace(contract, outputs=(output,))
    for _ in range(40):
        tail = np.sort(chance.uniform(0.001, 0.999, size) ** chance.uniform(0.2, 5))[::-1]
        ages = decoded(contract, log_odds(*tail))
        mass = distribution_of(tail)
        assert mass.sum() == pytest.approx(1)
        values = np.arange(size + 1) + 10
        mean = float(mass @ values)
        assert ages.years[0] == pytest.approx(mean, abs=1e-4)
        assert ages.spread[0] == pytest.approx((mass @ (values - mean) ** 2) ** 0.5, abs=1e-3)


def test_count_and_sum(golden_contract: Golden) -> None:
    """The paper counts probabilities above one half; the sum keeps their fractions."""
    contract = golden_contract("age-coral")
    contract = replace(contract, outputs=(replace(contract.outputs[0], first_age=20),))
    rows = [log_odds(0.9, 0.6, 0.4, 0.2), [0.0] * 4, [9.0, -9.0, 9.0, -9.0]]
    assert decoded(contract, *rows).years == pytest.approx([22.1, 22, 22], abs=1e-3)
    counted = decoded(contract, *rows, decode="count")
    assert counted.years.tolist() == [22.0, 20.0, 22.0]
    np.testing.assert_array_equal(counted.spread, decoded(contract, *rows).spread)


def test_decode_only_matters_to_coral(golden_contract: Golden) -> None:
    """A distribution has nothing to count."""
    contract = golden_contract("age-distribution")
    rows = shares(0.2, 0.5, 0.3)
    assert decoded(contract, rows, decode="count").years == decoded(contract, rows).years


INTERVAL = Interval(coverage=0.9, low=-1.5, high=1.25, floor=2.0, n=100)

# Interval, years, spread, low, high, note.
BOUNDS: list[tuple[Interval | None, float, float, float, float, str]] = [
    (INTERVAL, 40.0, 4.0, 34.0, 45.0, "by the spread"),
    (INTERVAL, 40.0, 0.5, 37.0, 42.5, "by the floor"),
    (INTERVAL, 2.0, 4.0, 0.0, 7.0, "nobody is younger than 0"),
    (INTERVAL, -9.0, 2.0, 0.0, 0.0, "nor is an interval below 0"),
    (None, 40.0, 4.0, 36.0, 44.0, "none: years and spread"),
    (None, 1.0, 4.0, -3.0, 5.0, "none, as it stands"),
]


@pytest.mark.parametrize(("interval", "years", "spread", "low", "high", "note"), BOUNDS)
def test_intervals(
    interval: Interval | None, years: float, spread: float, low: float, high: float, note: str,
    golden_contract: Golden,
) -> None:  # fmt: skip
    """years + [low, high] x max(spread, floor), never below 0, and the estimate stays."""
    contract = golden_contract("age-distribution")
    # Two ages around the wanted mean, so far apart as the wanted spread says.
    output = replace(contract.outputs[0], head="groups", size=2,
                     bounds=((years - spread - 1, years - spread + 1),
                             (years + spread - 1, years + spread + 1)))  # fmt: skip
    ages = decoded(replace(contract, outputs=(output,), interval=interval), [3.0, 3.0])
    assert (ages.years[0], ages.spread[0]) == (pytest.approx(years), pytest.approx(spread))
    assert (ages.low[0], ages.high[0]) == (pytest.approx(low), pytest.approx(high))


# Decoded and stated years with the golden curve (-10, -10) (60, 60) (100, 110), note.
CURVED = [
    (30.0, 30.0, "below the knee as decoded"),
    (80.0, 85.0, "half way up the steep piece"),
    (120.0, 110.0, "held at its end"),
    (-20.0, -10.0, "and at its beginning"),
]


@pytest.mark.parametrize(("decoded_years", "stated", "note"), CURVED)
def test_the_years_curve(
    decoded_years: float, stated: float, note: str, golden_contract: Golden
) -> None:
    """What the head decodes is read off the curve."""
    contract = golden_contract("age-regression")
    value = np.float32((decoded_years + 2.5) / 100)
    ages = decode_ages(
        {"years": np.array([[value]]), "sex": np.zeros((1, 2), np.float32)}, contract
    )
    assert ages.years[0] == pytest.approx(stated, abs=1e-4)


def test_batches_of_any_size_and_shape(golden_contract: Golden) -> None:
    """Faces do not influence one another; none at all are no ages."""
    contract = golden_contract("age-coral")
    rows = np.random.default_rng(1).normal(0, 3, (17, 4)).astype(np.float32)
    together = decode_ages({"ranks": rows}, contract)
    alone = [decode_ages({"ranks": row[None]}, contract).years[0] for row in rows]
    np.testing.assert_array_equal(together.years, alone)
    shaped = decode_ages({"ranks": rows.reshape(17, 1, 2, 2)}, contract)
    np.testing.assert_array_equal(together.years, shaped.years)
    none = decode_ages({"ranks": rows[:0]}, contract)
    assert [vars(none)[key].shape for key in ("years", "spread", "low", "high")] == [(0,)] * 4


def test_how_likely_each_group_is(golden_contract: Golden) -> None:
    """The softmax of a head of groups, whatever shape it comes in; other heads say none."""
    contract = golden_contract("age-groups")
    rows = np.array([shares(0.5, 0.25, 0.25), [1e4, 0.0, -1e4]], dtype=np.float32)
    found = group_shares({contract.outputs[0].name: rows.reshape(2, 1, 1, 3)}, contract)
    assert found is not None
    np.testing.assert_allclose(found, np.array([[0.5, 0.25, 0.25], [1, 0, 0]]), atol=1e-6)
    assert group_shares({"ranks": rows}, golden_contract("age-coral")) is None


def test_gender(golden_contract: Golden) -> None:
    """The softmax of its output by label; none where the contract does not say what they are."""
    contract = golden_contract("age-regression")
    outputs = {
        "years": np.array([[0.5], [0.2]], np.float32),
        "sex": np.array([shares(0.75, 0.25), [-1e4, 1e4]], np.float32),
    }
    sure, surer = decode_genders(outputs, contract)
    assert sure == pytest.approx({"male": 0.75, "female": 0.25})
    assert surer == pytest.approx({"male": 0, "female": 1})
    assert gender_labels(contract) == ("male", "female")
    bare = replace(
        contract, outputs=tuple(replace(output, labels=()) for output in contract.outputs)
    )
    assert decode_genders(outputs, bare) == ()
    with pytest.raises(ContractError, match="does not say what the values of its gender output"):
        gender_labels(bare)
    with pytest.raises(ContractError, match="has no gender output, only: coral"):
        gender_labels(golden_contract("age-coral"))


def test_the_age_head_is_found_by_its_kind(golden_contract: Golden) -> None:
    """Converters reorder outputs: the order in the contract plays no part."""
    contract = golden_contract("age-regression")
    outputs = {
        "sex": np.array([[9.0, 1.0]], np.float32),
        "years": np.array([[0.5]], np.float32),
    }
    for order in (contract.outputs, contract.outputs[::-1]):
        assert decode_ages(outputs, replace(contract, outputs=order)).years[0] == 47.5


def test_a_model_without_an_age(golden_contract: Golden) -> None:
    """It is named in the message."""
    contract = golden_contract("detector-refine")
    with pytest.raises(ContractError, match="model refine has no age output"):
        decode_ages({}, contract)


# Loaded models


@pytest.fixture(scope="module")
def shipped_age() -> AgeModel:
    """The shipped int8 age model."""
    return load_age_model(find("age-mobilenet-coral/age-mobilenet-coral.int8.tflite"))


def test_the_shipped_model_estimates(
    shipped_age: AgeModel, noise: Callable[..., npt.NDArray[np.uint8]]
) -> None:
    """Ages within the head's range, an interval around each, and a digest to name the model."""
    width, height = shipped_age.template.width, shipped_age.template.height
    ages = shipped_age.estimate(noise(3, height, width, 3))
    assert ((ages.years >= 0) & (ages.years <= 100)).all()
    assert ((ages.low <= ages.years) & (ages.years <= ages.high)).all()
    assert len(set(ages.years)) == 3
    assert shipped_age.digest == shipped_age.contract.model_digest
    assert shipped_age.estimate(noise(0, height, width, 3)).years.shape == (0,)


def test_the_shipped_model_can_count() -> None:
    """The paper's decoding is a choice at loading."""
    model = load_age_model(
        find("age-mobilenet-coral/age-mobilenet-coral.int8.tflite"), decode="count"
    )
    template = model.template
    grey = np.full((1, template.height, template.width, 3), 128, np.uint8)
    years = model.estimate(grey).years[0]
    assert years == round(years)
    assert years == model.without_curve().estimate(grey).years[0]


def test_a_detector_is_no_age_model() -> None:
    """Giving the wrong file of a bundle is said by name."""
    with pytest.raises(ContractError, match=r"rnet.* is a face-detector model, expected an age"):
        load_age_model(find("mtcnn") / "mtcnn-rnet.int8.tflite")


def test_a_crop_this_version_cannot_make(golden_contract: Golden) -> None:
    """A model that wants the detector's box is refused, not fed something else."""
    model = load_model(find("mtcnn") / "mtcnn-rnet.int8.tflite")
    model.contract = golden_contract("age-distribution")
    model.path = Path("box.tflite")
    with pytest.raises(ContractError, match=r"box\.tflite wants its faces cropped by box"):
        AgeModel(model)
