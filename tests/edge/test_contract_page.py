"""docs/contract.md says what the schema says."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from faceage_edge import contract

SCHEMA_FILE = Path(contract.__file__).with_name("contract.schema.json")
GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture(scope="module")
def page() -> str:
    """The page's text."""
    root = Path(__file__).resolve().parents[2]
    return (root / "docs" / "contract.md").read_text(encoding="utf-8")


def blocks(page: str, language: str) -> list[str]:
    """The fenced blocks of one language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)


def words(schema: Any) -> Iterator[str]:
    """Every field name and every allowed word that a schema states."""
    if isinstance(schema, list):
        for part in schema:
            yield from words(part)
    if isinstance(schema, dict):
        yield from schema.get("properties", {})
        yield from (word for word in schema.get("enum", []) if isinstance(word, str))
        if isinstance(schema.get("const"), str):
            yield schema["const"]
        for part in schema.values():
            yield from words(part)


def test_every_field_and_every_word_is_explained(page: str) -> None:
    """Whatever may stand in a contract stands on the page, as code."""
    stated = set(words(json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))))
    assert {"clip", "coral", "rank_bias", "tolerance", "calibration"} <= stated
    code = set(re.findall(r"`([\w-]+)`", page))
    # Written as a path, or in the table of another part.
    assert stated - code <= {"digest", "n"}
    assert "`digest` of the set" in page


def test_nothing_is_explained_that_does_not_exist(page: str) -> None:
    """The first column of each table of fields names fields of the schema, or extra provenance."""
    stated = set(words(json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))))
    rows = re.findall(r"^\| (`[^|]+) \|", page, re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"`([\w-]+)`", row)}
    assert named - stated == {"source", "multiply_adds", "parameters"}


def test_the_example_is_a_golden_file(page: str) -> None:
    """What the page shows is what the tests read and write."""
    (example,) = blocks(page, "json")
    assert json.loads(example) == json.loads((GOLDEN / "age-coral.json").read_bytes())


def test_the_python_runs(page: str) -> None:
    """The way to take the digest, as shown, takes it."""
    (example,) = blocks(page, "python")
    exec(compile(example, "docs/contract.md", "exec"), {})
