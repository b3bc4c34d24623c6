"""The small check reads every keyword that the schema uses, as jsonschema does."""

from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest

from faceage_benchmarks.result import result_schema
from faceage_benchmarks.schema_check import ANNOTATIONS, KEYWORDS, violations


def _schemas(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield a schema and all schemas inside it."""
    yield schema
    for key in ("properties", "$defs"):
        for part in schema.get(key, {}).values():
            yield from _schemas(part)
    for key in ("items", "if", "then"):
        if key in schema:
            yield from _schemas(schema[key])
    for part in schema.get("allOf", ()):
        yield from _schemas(part)


def test_the_schema_uses_known_keywords_only() -> None:
    """A keyword that the check does not know would silently check nothing."""
    used = {key for schema in _schemas(result_schema()) for key in schema}
    assert used - KEYWORDS - ANNOTATIONS == set()


CASES = [
    # schema, value, note
    ({"type": "integer"}, 3, "an integer"),
    ({"type": "integer"}, 3.5, "no integer"),
    ({"type": "number"}, 3, "an integer is a number"),
    ({"type": "number"}, True, "a truth value is none"),
    ({"type": ["array", "null"]}, None, "one of two types"),
    ({"type": ["array", "null"]}, "x", "neither of two types"),
    ({"const": 1}, 1, "the constant"),
    ({"const": "a"}, "b", "another constant"),
    ({"enum": ["a", "b"]}, "c", "not in the list"),
    ({"minimum": 0}, -1, "below"),
    ({"maximum": 1}, 1, "the bound itself"),
    ({"minimum": 0}, "text", "a bound says nothing of text"),
    ({"pattern": "^[a-z]+$"}, "abc", "fits"),
    ({"pattern": "^[a-z]+$"}, "ABC", "does not fit"),
    ({"required": ["a"]}, {"b": 1}, "missing"),
    ({"required": ["a"]}, [], "says nothing of arrays"),
    ({"properties": {"a": {"type": "string"}}}, {"a": 1}, "a wrong property"),
    ({"properties": {"a": {"type": "string"}}}, {}, "an absent one"),
    ({"items": {"minimum": 0}}, [1, -1], "a wrong entry"),
    ({"minItems": 2, "maxItems": 2}, [1], "too short"),
    ({"minItems": 2, "maxItems": 2}, [1, 2, 3], "too long"),
    ({"allOf": [{"minimum": 0}, {"maximum": 1}]}, 2, "one of all fails"),
    ({"if": {"required": ["a"]}, "then": {"required": ["b"]}}, {"a": 1}, "the condition holds"),
    ({"if": {"required": ["a"]}, "then": {"required": ["b"]}}, {}, "it does not hold"),
    ({"$ref": "#/$defs/n", "$defs": {"n": {"type": "null"}}}, 0, "through a reference"),
]


@pytest.mark.parametrize(("schema", "value", "note"), CASES)
def test_agrees_with_jsonschema(schema: dict[str, Any], value: object, note: str) -> None:
    """Our check accepts exactly what jsonschema accepts."""
    expected = jsonschema.Draft202012Validator(schema).is_valid(value)
    assert (not any(violations(value, schema))) is expected, note


def test_messages_name_the_place() -> None:
    """A fault is told with its path, what was expected and what was found."""
    schema = {"properties": {"a": {"items": {"type": "number"}}}}
    assert list(violations({"a": [1, "x"]}, schema)) == ["/a/1: expected number, found 'x'"]
