"""Numbers in Markdown follow their result files."""

import json
from pathlib import Path

import pytest

from faceage_benchmarks.quote import main

TEXT = "off by <!--q r.json mae .2f-->1.23<!--/q--> years, <!--q r.json ci.1 +.1f-->?<!--/q-->"


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A page in the working folder, and the result file that it quotes."""
    monkeypatch.chdir(tmp_path)
    figures = {"mae": 4.8765, "ci": [4.5, 5.25], "bytes": 2131576, "who": "ours"}
    Path("r.json").write_text(json.dumps(figures))
    page = tmp_path / "page.md"
    page.write_text(TEXT)
    return page


def test_numbers_are_filled_in(page: Path) -> None:
    """Each number becomes what the file holds, in the format asked for, and the rest stays."""
    assert main([str(page)]) == 0
    assert page.read_text() == (
        "off by <!--q r.json mae .2f-->4.88<!--/q--> years, <!--q r.json ci.1 +.1f-->+5.2<!--/q-->"
    )


def test_check_changes_nothing_and_fails_on_a_stale_number(page: Path) -> None:
    """`--check` exits 3 before and 0 after the numbers were renewed."""
    assert main(["--check", str(page)]) == 3
    assert page.read_text() == TEXT
    assert main([str(page)]) == 0
    assert main(["--check", str(page)]) == 0


@pytest.mark.parametrize(
    ("quote", "shown"),
    [
        ("r.json bytes/1000 ,.0f", "2,132"),
        ("r.json mae*100 .0f", "488"),
        ("r.json who s", "ours"),
    ],
)
def test_forms(page: Path, quote: str, shown: str) -> None:
    """Keys may scale, and texts are quoted as they are."""
    page.write_text(f"<!--q {quote}-->old<!--/q-->")
    assert main([str(page)]) == 0
    assert page.read_text() == f"<!--q {quote}-->{shown}<!--/q-->"


@pytest.mark.parametrize(
    "quote",
    ["r.json missing .2f", "none.json mae .2f", "r.json ci.7 .2f", "r.json who .2f", "r.json */ s"],
)
def test_what_cannot_be_quoted_is_one_error(
    page: Path, capsys: pytest.CaptureFixture[str], quote: str
) -> None:
    """A missing file or key, or a text shown as a number, fails and leaves the page alone."""
    text = f"<!--q {quote}-->old<!--/q-->"
    page.write_text(text)
    assert main([str(page)]) == 1
    assert page.read_text() == text
    assert capsys.readouterr().err.count("\n") == 1
