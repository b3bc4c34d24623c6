"""`faceage-benchmark threshold`: figures by hand, and the command on an accuracy result."""

import json
from pathlib import Path
from typing import Any

import pytest

from faceage_benchmarks import cli
from faceage_benchmarks.figures import recompute
from faceage_benchmarks.result import bootstrap_settings, read_result
from faceage_benchmarks.threshold_figures import threshold_figures
from faceage_calibration.errors import SamplesError

ROOT = Path(__file__).resolve().parents[2]
ACCURACY = ROOT / "benchmarks" / "results" / "accuracy-detect.json"
SHIPPED = sorted((ROOT / "benchmarks" / "results").glob("*-threshold-*.json"))

SAMPLES = {
    "threshold": 18,
    "challenge": 25,
    # Under 18: 5, 12, 17, 17.5; from 18 on: 18, 20, 30, 40.
    "true": [5, 12, 17, 17.5, 18, 20, 30, 40],
    "predicted": [6, 26, 17, 25, 24.9, 31, 24, 41],
    "gender": ["f", "m", "f", None, "m", "f", "m", "f"],
    "over": [0.0, 0.9, 0.4, 0.9, 0.8, 1.0, 0.8, 1.0],
    "over_raw": [0.5] * 8,
}


def test_figures_are_what_counting_by_hand_gives() -> None:
    """Two of four too young pass; two of four old enough are asked, one of them above 25."""
    figures = threshold_figures(SAMPLES, bootstrap_settings("faces"))
    assert (figures["n"], figures["n_under"], figures["n_over"]) == (8, 4, 4)
    assert (figures["false_accept"]["count"], figures["false_accept"]["share"]) == (2, 0.5)
    # Wilson's interval of 2 of 4.
    assert figures["false_accept"]["ci95"] == pytest.approx([0.150, 0.850], abs=1e-3)
    assert (figures["asked"]["count"], figures["asked_above"]["count"]) == (2, 1)
    assert figures["asked_above"]["n"] == 2
    near = figures["false_accept_near"][0]
    assert (near["from"], near["to"], near["n"], near["count"]) == (16, 17, 2, 1)
    by_gender = [(part["gender"], part["count"]) for part in figures["false_accept_by_gender"]]
    assert by_gender == [("f", 0), ("m", 1)]
    assert [part["challenge"] for part in figures["sweep"]] == list(range(18, 34))
    # At 32 only the face taken for 41 is not asked.
    assert figures["sweep"][14]["asked"]["count"] == 3
    assert figures["brier"] == pytest.approx((0 + 0.81 + 0.16 + 0.81 + 0.04 + 0 + 0.04 + 0) / 8)
    assert figures["brier_raw"] == 0.25
    assert [(part["low"], part["n"]) for part in figures["reliability"]] == [
        (0.0, 1),
        (0.4, 1),
        (0.8, 2),
        (0.9, 4),
    ]


def test_one_side_alone_answers_nothing() -> None:
    """Without anyone too young there is no rate of false accepts."""
    with pytest.raises(SamplesError, match="0 of 8 faces are under 3"):
        threshold_figures(SAMPLES | {"threshold": 3}, bootstrap_settings("faces"))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_the_shipped_results_are_their_samples(path: Path) -> None:
    """Every figure of the result files can be computed again."""
    result = read_result(path)
    for key, value in recompute(result).items():
        assert result[key] == value, key


def test_the_command_takes_an_accuracy_result(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The answers of the shipped table on the faces that an accuracy run has measured."""
    out = tmp_path / "threshold.json"
    words = ["threshold", "--model", "age-mobilenet-coral", "--result", str(ACCURACY)]
    assert cli.main([*words, "--threshold", "21", "--json", str(out)]) == 0
    result = read_result(out)
    assert (result["threshold"], result["challenge"]) == (21, 21)
    assert 0 < result["false_accept"]["share"] < 0.5
    # Calibration is worth its table: on faces that it was not fitted on.
    assert result["brier"] < result["brier_raw"]
    assert "of these pass at 21" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "give --faces to measure on, or --result"),
        (["--faces", "a", "--result", "b"], "give --faces to measure on, or --result"),
        (["--result", "{other}"], "no accuracy result of age-mobilenet-coral"),
    ],
)
def test_what_does_not_fit_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    """Usage errors, and no file is written."""
    other = ROOT / "benchmarks" / "results" / "tiny-detect.json"
    given = [word.format(other=other) for word in words]
    command = ["threshold", "--model", "age-mobilenet-coral", "--threshold", "18", *given]
    assert cli.main([*command, "--json", str(tmp_path / "out.json")]) == 2
    assert message in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_the_tables_name_the_model_beside_them() -> None:
    """Each shipped table of thresholds has the digest of its model, and 18."""
    tables = sorted((ROOT / "models").glob("*/*.threshold.json"))
    assert len(tables) == 2
    for path in tables:
        table: dict[str, Any] = json.loads(path.read_bytes())
        model = path.with_name(path.name.replace(".threshold.json", ".json"))
        contract = json.loads(model.read_bytes())
        assert table["model_digest"] == contract["provenance"]["model_digest"]
        assert table["thresholds"]["18"]["slope"] > 0
