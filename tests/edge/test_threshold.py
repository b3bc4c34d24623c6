"""Is this person at least so old? Ranks, their calibration, and what a kiosk is told."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.edge.results import face, result

from faceage_edge import camera
from faceage_edge.age import decode_head, load_age_model, stated_years
from faceage_edge.contract import Contract, Output
from faceage_edge.errors import ContractError, ModelFileError, UsageError
from faceage_edge.threshold import AgeCheck, RankScale, ThresholdFit, open_age_check, table_path


@pytest.fixture(scope="module")
def contract(request: pytest.FixtureRequest) -> Contract:
    """The shipped age model's."""
    return load_age_model(request.getfixturevalue("shipped").age_int8).contract


def head(contract: Contract) -> Output:
    return contract.output("coral")


def test_the_rank_of_an_age_is_found_again(contract: Contract) -> None:
    """From scores to ages as the model decodes them, and back to each rank's logit."""
    scores = np.linspace(-6, 6, 25)
    logits = scores[:, None] + np.array(head(contract).rank_bias)
    years = stated_years(decode_head(logits, head(contract))[0], head(contract))
    scale = RankScale(contract)
    for threshold in (13, 18, 21, 65):
        # The table's step is 0.01 in score, and ages between are interpolated.
        expected = logits[:, threshold - 1 - head(contract).first_age]
        assert np.abs(scale.logit(years, threshold) - expected).max() < 0.01


def test_a_higher_age_never_means_a_lower_probability(contract: Contract) -> None:
    """Over all ages, also those that the head cannot state."""
    check = AgeCheck(
        RankScale(contract), ThresholdFit(2.3, -0.2, 100, 100), threshold=18, challenge=25
    )
    over = check.over(np.arange(0, 120, 0.5))
    assert (np.diff(over) >= 0).all()
    assert over[0] < 0.01
    assert over[-1] > 0.99


def test_each_face_gets_its_answer(contract: Contract, shipped: Any) -> None:
    """The shipped table has 18; an estimate of 25 passes, 24.9 does not."""
    check = open_age_check(shipped.age_int8, contract, threshold=18, challenge=25)
    document = check.document(result(0, face(1, 10.0), face(2, 24.9), face(3, 25.0)))
    assert [entry["answer"] for entry in document["faces"]] == ["challenge", "challenge", "pass"]
    young, near, old = (entry["over"] for entry in document["faces"])
    assert young < 0.1 < near <= old <= 1


def test_without_a_challenge_age_it_is_the_threshold(contract: Contract, shipped: Any) -> None:
    """Whoever looks 18 passes."""
    check = open_age_check(shipped.age_int8, contract, threshold=18)
    assert check.passes([17.9, 18.0]).tolist() == [False, True]


@pytest.mark.parametrize(
    ("threshold", "challenge", "words"),
    [
        (18, 17, "below --threshold 18"),
        (0, None, "ask about ages from 1 to 100"),
        (101, None, "ask about ages from 1 to 100"),
        (99, None, "has no threshold of 99"),
    ],
)
def test_ages_that_cannot_be_asked_are_refused(
    contract: Contract, shipped: Any, threshold: int, challenge: int | None, words: str
) -> None:
    """With what can."""
    with pytest.raises(UsageError, match=words):
        open_age_check(shipped.age_int8, contract, threshold=threshold, challenge=challenge)


def test_a_model_without_ranks_is_refused(contract: Contract) -> None:
    """Only a CORAL head with its biases states such a probability."""
    other = replace(head(contract), rank_bias=())
    with pytest.raises(ContractError, match="no CORAL head with its rank biases"):
        RankScale(replace(contract, outputs=(other,)))


TABLES: list[tuple[Callable[[dict[str, Any]], None] | None, type[Exception], str]] = [
    (None, ModelFileError, "fit it with: faceage-calibrate threshold"),
    (lambda t: t.update(format=2), ContractError, "another format than 1"),
    (lambda t: t.update(model_digest="0" * 64), ContractError, "belongs to another model"),
    (lambda t: t["thresholds"]["18"].update(slope=-1), ContractError, "'slope' is -1"),
    (lambda t: t["thresholds"]["18"].pop("offset"), ContractError, "'offset' is missing"),
]


@pytest.mark.parametrize(("change", "error", "words"), TABLES)
def test_a_table_that_does_not_fit_is_refused(
    contract: Contract,
    shipped: Any,
    tmp_path: Path,
    change: Callable[[dict[str, Any]], None] | None,
    error: type[Exception],
    words: str,
) -> None:
    """Missing, of another model, or damaged: no probability is made up."""
    model = tmp_path / "mine.tflite"
    if change is not None:
        table = json.loads(table_path(shipped.age_int8).read_bytes())
        change(table)
        table_path(model).write_text(json.dumps(table))
    with pytest.raises(error, match=words):
        open_age_check(model, contract, threshold=18)


def test_a_challenge_without_a_threshold_is_refused(
    tmp_path: Path,
    write_frames: Callable[[list[Any]], Path],
    capsys: pytest.CaptureFixture[str],
) -> None:
    """On the command line, before any work."""
    frames = write_frames([np.zeros((48, 64, 3), np.uint8)])
    assert camera.main(["--source", str(frames), "--challenge", "25"]) == 2
    assert "--challenge is for --threshold" in capsys.readouterr().err
