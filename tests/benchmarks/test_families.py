"""The table of published models."""

import json
import shutil
from pathlib import Path

import pytest

from faceage_benchmarks.families import family_row, family_table, main
from faceage_edge.bundles import find
from faceage_edge.embedded import read_contract
from faceage_edge.errors import ModelFileError


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A folder with the shipped age model and a detector's network."""
    folder = tmp_path / "bundle"
    folder.mkdir()
    for name in ("age-tiny/age-tiny.int8.tflite", "mtcnn/mtcnn-rnet.int8.tflite"):
        shutil.copy(find(name), folder)
    return folder


def test_a_row_is_what_the_file_states(bundle: Path) -> None:
    """Figures of its contract, its size, and the count of the result that is given."""
    arm = {"processors": {"cortex-a76": {"peer-age-tiny": {"instructions": 3_400_000}}}}
    row = family_row(bundle, arm)
    path = bundle / "age-tiny.int8.tflite"
    contract = read_contract(path.read_bytes(), "tiny")
    assert row["model_digest"] == contract.model_digest
    assert row["int8_bytes"] == path.stat().st_size
    assert row["instructions"] == {"cortex-a76": 3_400_000, "cortex-a72": None}
    measured = contract.provenance.get("measured", {})
    assert row["mae_int8"] == measured.get("mae_int8")
    assert "3.4 M" in family_table([row])


def test_it_is_written_into_a_page(bundle: Path, tmp_path: Path) -> None:
    """Between the comments, again and again; what is around stays."""
    page, out = tmp_path / "page.md", tmp_path / "families.json"
    page.write_text("before\n<!--families-->\nold\n<!--/families-->\nafter\n")
    for _ in range(2):
        words = ["--bundles", str(bundle), "--json", str(out), "--into", str(page)]
        assert main(words) == 0
    text = page.read_text()
    assert text.startswith("before\n<!--families-->\n| system") and text.endswith("after\n")
    assert "old" not in text and "not measured" in text
    assert json.loads(out.read_text())["families"][0]["name"] == "age-tiny"


def test_no_bundle(tmp_path: Path) -> None:
    """It is said what a bundle is."""
    with pytest.raises(ModelFileError, match="holds 0 int8 age models, expected one"):
        family_row(tmp_path)
