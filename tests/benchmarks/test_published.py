"""The published results: each fits the schema, and each of its numbers follows from its samples."""

import json
import runpy
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from faceage_benchmarks import board_table
from faceage_benchmarks.board_table import with_boards
from faceage_benchmarks.errors import ResultFileError
from faceage_benchmarks.family_rows import guesses, measured_figures
from faceage_benchmarks.figures import recompute
from faceage_benchmarks.merged import merge
from faceage_benchmarks.result import FORMAT, read_result, result_schema
from faceage_benchmarks.sections import sections_of
from faceage_benchmarks.taint import taint_reasons

ROOT = Path(__file__).resolve().parents[2]
# A table in a form of its own; what it says of faces stands in family-*.json, and
# `test_a_family_row_follows_from_its_result` holds the two together.
FAMILIES = {"families"}
FILES = sorted(
    path for path in (ROOT / "benchmarks" / "results").glob("*.json") if path.stem not in FAMILIES
)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_file_fits_the_schema(path: Path) -> None:
    """Both checks accept the file, and it says what it was measured on and by which command."""
    result = read_result(path)
    jsonschema.Draft202012Validator(result_schema()).validate(result)
    assert result["command"]
    assert not [word for word in result["command"] if word.startswith("/")], "a machine's own path"


@pytest.mark.slow
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_number_follows_from_the_samples(path: Path) -> None:
    """Computing the figures again from the raw samples gives the published ones, to rounding."""
    result = read_result(path)
    again = json.loads(json.dumps(recompute(result)))
    for key, value in again.items():
        _equal(result[key], value, f"{path.stem}: {key}")
    if result["schema"] == FORMAT:
        assert result["taint"] == taint_reasons(result["kind"], result["machine"])


def _equal(published: object, computed: object, where: str) -> None:
    """Compare to float rounding: another numpy may add in another order."""
    if isinstance(computed, dict):
        assert isinstance(published, dict), where
        # Figures added since the file was written are not in it.
        for key in published.keys() & computed.keys():
            _equal(published[key], computed[key], f"{where}.{key}")
    elif isinstance(computed, list):
        assert isinstance(published, list), where
        assert len(published) == len(computed), where
        for index, (one, other) in enumerate(zip(published, computed, strict=True)):
            _equal(one, other, f"{where}.{index}")
    elif isinstance(computed, float):
        assert published == pytest.approx(computed, rel=1e-9, abs=1e-9), where
    else:
        assert published == computed, where


@pytest.mark.slow
def test_every_file_is_on_the_page() -> None:
    """A report of the whole folder has a table for each kind of file in it."""
    results = [(path.stem, read_result(path)) for path in FILES]
    sections = sections_of(results, merge(results))
    shown = "\n".join(cell for section in sections for line in section.grid for cell in line)
    assert [stem for stem, _ in results if stem not in shown] == []
    kinds = {"loop-cost", "freshness", "endurance", "fuzz"}
    assert kinds <= {result["kind"] for _, result in results}
    titles = {"CPU time of the camera loop", "How old results are", "Staying up", "Spoiled files"}
    assert titles <= {section.title for section in sections}


ROWS = json.loads((ROOT / "benchmarks" / "results" / "families.json").read_bytes())


@pytest.mark.parametrize("row", ROWS["families"], ids=lambda row: row["name"])
def test_a_family_row_follows_from_its_result(row: dict[str, Any]) -> None:
    """Its errors are those of the result of this very model, whose samples give them again."""
    result = read_result(ROOT / "benchmarks" / "results" / f"family-{row['name']}.json")
    assert row["model_digest"] == result["model"]["digest"]
    figures = measured_figures(result)
    assert {key: row[key] for key in figures} == figures
    (own,) = guesses([result])
    assert own in ROWS["sets"]


def test_every_file_has_its_command() -> None:
    """release.py measures every published file again; the ways to int8 have their script."""
    steps = runpy.run_path(str(ROOT / "benchmarks" / "release.py"))["steps"](Path("data"))
    ways = {path.stem for path in FILES if path.stem.startswith("int8-")}
    assert {path.stem for path in FILES} - ways <= set(steps)
    assert 'int8-$name-${way%%:*}.json"' in (ROOT / "models" / "int8_ways.sh").read_text()


def test_what_is_not_measured_is_up_to_date(monkeypatch: pytest.MonkeyPatch) -> None:
    """The results page names every board without a file, with its command."""
    monkeypatch.chdir(ROOT)
    words = ["--results", "benchmarks/results", "--check", "--into", "docs/results.md"]
    assert board_table.main(words) == 0
    stale = with_boards("<!--not-measured--><!--/not-measured-->", [["a"], ["b"]], "it")
    assert "| `b` |" in stale
    with pytest.raises(ResultFileError, match="no place for the table"):
        with_boards("nothing", [["a"]], "it")
