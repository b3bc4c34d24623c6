"""A card's tables are those of its result files."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from faceage_benchmarks.card_sections import age_sections, bin_sections
from faceage_benchmarks.card_tables import card_text, main, with_tables
from faceage_benchmarks.errors import ResultFileError
from faceage_benchmarks.result import write_result

Results = dict[str, dict[str, Any]]

CARD = "# Card\n\n<!--figures-by-group-->\nold\n<!--/figures-by-group-->\n\nThe end.\n"
TARGETS = [
    {"target": "error", "of": "result", "key": "mae", "at_most": 99},
    {"target": "bins", "of": "fairface", "key": "bin_accuracy", "at_least": 0.99},
]


@pytest.fixture
def files(results: Results, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A card, two results and targets in the working folder; the words that name them."""
    monkeypatch.chdir(tmp_path)
    binned = copy.deepcopy(results["bins"])
    binned["by_gender"] = copy.deepcopy(binned["by_ethnicity"])
    write_result("exact.json", results["exact ages, two models"])
    write_result("bins.json", binned)
    Path("targets.json").write_text(json.dumps(TARGETS))
    Path("card.md").write_text(CARD)
    words = ["--result", "exact.json", "--fairface", "bins.json", "--targets", "targets.json"]
    return [*words, "--into", "card.md"]


def test_check_fails_until_the_card_is_renewed(
    files: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """`--check` exits 3, changes nothing and says what to run; after that command it exits 0."""
    assert main([*files, "--check"]) == 3
    assert Path("card.md").read_text() == CARD
    assert "python -m faceage_benchmarks.card_tables " + " ".join(files) in capsys.readouterr().err
    assert main(files) == 0
    renewed = Path("card.md").read_text()
    assert main([*files, "--check"]) == 0
    assert main(files) == 0
    assert Path("card.md").read_text() == renewed
    assert renewed.startswith("# Card\n\n<!--figures-by-group-->\n")
    assert renewed.endswith("<!--/figures-by-group-->\n\nThe end.\n")
    assert "old" not in renewed.split("figures-by-group")[1].split()


def test_a_changed_figure_is_drift(files: list[str], results: Results) -> None:
    """A card that was right is out of date once its result is measured again."""
    assert main(files) == 0
    changed = copy.deepcopy(results["exact ages, two models"])
    changed["per_band"][0]["mae"] += 1
    write_result("exact.json", changed)
    assert main([*files, "--check"]) == 3


def test_every_figure_stands_in_its_row(results: Results) -> None:
    """Rows of bands, groups and intervals hold the result's own numbers."""
    result = results["exact ages, two models"]
    rows = [
        [cell.strip() for cell in line.strip("|\n").split("|")]
        for line in age_sections(result, "exact.json").splitlines()
        if line.startswith("|")
    ]
    by_name = {row[0]: row for row in rows}
    for band in result["per_band"]:
        row = by_name[band["band"]]
        low, high = band["mae_ci95"]
        assert row[1] == str(band["n"])
        assert row[2] == f"{band['mae']:.2f} ({low:.2f} – {high:.2f})"
        assert row[4].startswith(f"{band['delta_mae']:+.2f} (")
        assert row[5].startswith(f"{100 * band['coverage']:.1f} % (")
        assert row[6] == f"{band['width']:.1f}"
    for attribute in ("gender", "ethnicity"):
        for group in result[f"by_{attribute}"]["groups"]:
            row = by_name[group["group"]]
            assert row[1:3][0] == str(group["n"])
            assert row[3] == "–", "40 faces have no standardised error"
    assert by_name["coverage, stated 90 %"][1].startswith(
        f"{100 * result['intervals']['coverage']:.1f} %"
    )
    assert by_name["mean width, years"][2] == f"{result['intervals']['constant']['width']:.1f}"
    assert by_name["95 %"][1] == "1.19"


def test_standardised_errors_and_what_they_leave_out(results: Results) -> None:
    """Compared groups show both errors, the spread, the ages left out and who has no label."""
    result = copy.deepcopy(results["exact ages, two models"])
    figures = result["by_gender"]
    figures["unlabelled"] = 13
    figures["max_minus_min"] = {"mae": 1.25, "mae_standardised": 0.5}
    for group, missing in zip(figures["groups"], (["70+"], []), strict=True):
        group["bands_missing"] = missing
        group["mae_standardised"], group["mae_standardised_ci95"] = 4.5, [4.0, 5.0]
    text = age_sections(result, "exact.json")
    assert "| 4.50 (4.00 – 5.00) |" in text
    assert (
        "Largest minus smallest by gender, groups of at least 100 faces: 0.50 years "
        "age-standardised, 1.25 as they are. Ages without a face, left out of the standard: "
        "female 70+. Without this label: 13."
    ) in text
    assert "Fewer than two groups by ethnicity have 100 faces: not compared." in text


def test_targets_are_judged(files: list[str]) -> None:
    """The last table says of each target its bound, its value, and whether it is reached."""
    text = card_text("exact.json", "bins.json", "targets.json")
    last = text.rpartition("### Targets")[2]
    assert "| error | ≤ 99 | " in last
    assert last.splitlines()[4].endswith("| reached |")
    assert "| bins | ≥ 0.99 | 0.500 | **not reached** |" in last
    assert "### Targets" not in card_text("exact.json", "bins.json")
    assert "### Bins" not in card_text("exact.json")


def test_older_files_are_to_be_measured_again(results: Results) -> None:
    """A file of before these figures is refused, with the command that made it."""
    old = {
        key: value
        for key, value in results["exact ages, two models"].items()
        if key not in ("per_band", "by_gender")
    }
    with pytest.raises(ResultFileError, match="measure again with: faceage-benchmark accuracy"):
        age_sections(old, "old.json")


def test_kinds_are_not_mixed_up(results: Results) -> None:
    """Bins have no table of exact ages, exact ages none of bins, and times neither."""
    for name, make in (
        ("bins", age_sections),
        ("exact ages, one model", bin_sections),
        ("latency", age_sections),
    ):
        with pytest.raises(ResultFileError, match="no accuracy result in"):
            make(results[name], "r.json")


NO_PLACE = [
    ("# Card\n", "no comments"),
    ("<!--figures-by-group-->\n", "no end"),
    ("<!--/figures-by-group-->\n<!--figures-by-group-->\n", "the wrong way round"),
    ("<!--figures-by-group--><!--/figures-by-group-->" * 2, "twice"),
]


@pytest.mark.parametrize(("text", "note"), NO_PLACE)
def test_a_card_without_a_place(text: str, note: str) -> None:
    """The two comments stand once each, in order, or nothing is written."""
    with pytest.raises(ResultFileError, match="no place for the tables"):
        with_tables(text, "tables", "card.md")


def test_errors_are_one_line(files: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """A card or result that is not there is one line and exit 1."""
    assert main([*files[:-1], "none.md"]) == 1
    assert main(["--result", "none.json", "--into", "card.md"]) == 1
    assert capsys.readouterr().err.count("\n") == 2
