"""Fields of parsed JSON: what passes, and what is said of the rest."""

from typing import Any

import pytest

from faceage_edge.errors import ContractError
from faceage_edge.json_fields import Fields

GOOD: list[tuple[str, tuple[Any, ...], dict[str, Any], object, object, str]] = [
    ("text", (), {}, "é", "é", "any characters"),
    ("choice", (("a", "b"),), {}, "b", "b", "one of them"),
    ("integer", (), {}, -7, -7, "no bounds"),
    ("integer", (1, 3), {}, 3, 3, "the bound itself"),
    ("number", (), {}, 2, 2.0, "a whole number is a number"),
    ("number", (), {"above": 0.0, "below": 1.0}, 0.5, 0.5, "between"),
    ("numbers", (2,), {}, [1, 2.5], (1.0, 2.5), "mixed"),
    ("ascending", (), {}, [-1, 1], (-1.0, 1.0), "in order"),
    ("pairs", (1,), {}, [[1, 2]], ((1.0, 2.0),), "one pair"),
    ("raw_object", (), {}, {"x": [1]}, {"x": [1]}, "left as it is"),
]

BAD: list[tuple[str, tuple[Any, ...], dict[str, Any], object, str, str]] = [
    ("text", (), {}, "", "a text", "empty"),
    ("text", (), {}, 3, "a text", "no text"),
    ("choice", (("a", "b"),), {}, "c", "one of a, b", "not among them"),
    ("choice", (("a", "b"),), {}, ["a"], "one of a, b", "a list that holds one"),
    ("choice", (("a", "b"),), {}, {}, "one of a, b", "cannot be looked up"),
    ("integer", (), {}, 2.0, "a whole number", "written as a float"),
    ("integer", (), {}, True, "a whole number", "JSON's true is no number"),
    ("integer", (0, 9), {}, 10, "from 0 to 9", "too high"),
    ("integer", (0,), {}, -1, "from 0", "too low"),
    ("number", (), {}, "1", "a number", "a text"),
    ("number", (), {}, False, "a number", "JSON's false is no number"),
    ("number", (), {}, float("nan"), "a number", "not a number"),
    ("number", (), {}, float("inf"), "a number", "infinite"),
    ("number", (), {}, 10**400, "a number", "beyond every float"),
    ("number", (), {"above": 0.0}, 0, "above 0", "the bound is left out"),
    ("number", (), {"below": 1.0}, 1, "below 1", "the bound is left out"),
    ("numbers", (3,), {}, [1, 2], "a list of 3 numbers", "too few"),
    ("numbers", (1,), {}, 1, "a list of 1 numbers", "no list"),
    ("numbers", (1,), {}, [None], "a list of 1 numbers", "null among them"),
    ("numbers", (1,), {}, [10**400], "a list of 1 numbers", "beyond every float"),
    ("ascending", (), {}, [1, 1], "a lower and a higher", "nothing between them"),
    ("ascending", (), {}, [2, 1], "a lower and a higher", "the wrong way round"),
    ("pairs", (1,), {}, [[1, 2, 3]], "1 pairs", "a triple"),
    ("pairs", (1,), {}, [1], "1 pairs", "no pair"),
    ("pairs", (2,), {}, [[1, 2]], "2 pairs", "too few"),
    ("pairs", (1,), {}, [[1, float("nan")]], "1 pairs", "not a number"),
    ("object", (), {}, [1], "a JSON object", "a list"),
    ("raw_object", (), {}, None, "a JSON object", "null is not left out"),
    ("optional", (), {}, 3, "a JSON object", "there, but no object"),
    ("objects", (), {}, {}, "a list of objects", "an object"),
    ("objects", (), {}, [], "a list of objects", "none"),
    ("objects", (), {}, [{}, 1], "a JSON object", "the second is none"),
]


@pytest.mark.parametrize(("method", "args", "options", "value", "expected", "note"), GOOD)
def test_good_fields(
    method: str,
    args: tuple[Any, ...],
    options: dict[str, Any],
    value: object,
    expected: object,
    note: str,
) -> None:
    """A field of the asked kind comes back as that kind."""
    found = getattr(Fields({"it": value}, "file"), method)("it", *args, **options)
    assert (found, type(found)) == (expected, type(expected))


@pytest.mark.parametrize(("method", "args", "options", "value", "wanted", "note"), BAD)
def test_bad_fields(
    method: str,
    args: tuple[Any, ...],
    options: dict[str, Any],
    value: object,
    wanted: str,
    note: str,
) -> None:
    """The message says where, which field and what was expected."""
    with pytest.raises(ContractError) as caught:
        getattr(Fields({"it": value}, "file"), method)("it", *args, **options)
    message = str(caught.value)
    assert message.startswith("file: ")
    assert "it" in message
    assert wanted in message
    assert len(message) < 200


def test_missing_fields() -> None:
    """What is left out is named; what may be left out is not missed."""
    fields = Fields({}, "file")
    with pytest.raises(ContractError, match="file: the field 'it' is missing"):
        fields.text("it")
    assert fields.optional("it") is None
    assert fields.raw_object("it") == {}
    assert not fields.has("it")


def test_nested_places_are_named() -> None:
    """A message leads to the field within the file."""
    fields = Fields({"outputs": [{}, {"name": 3}]}, "a.json")
    with pytest.raises(ContractError, match=r"a\.json: outputs\[1\]: 'name' is 3"):
        fields.objects("outputs")[1].text("name")


@pytest.mark.parametrize("depth", [3, 1000, 100_000])
def test_deep_nesting_is_shown_briefly(depth: int) -> None:
    """However deep a damaged value is nested, showing it neither fails nor floods."""
    value: list[object] = []
    for _ in range(depth):
        value = [value]
    with pytest.raises(ContractError, match="expected a text") as caught:
        Fields({"it": value}, "file").text("it")
    assert len(str(caught.value)) < 200
