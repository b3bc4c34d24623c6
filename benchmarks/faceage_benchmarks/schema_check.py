"""Check a JSON object against a JSON Schema, for the keywords that result.schema.json uses.

The device has no `jsonschema`; this is the part of draft 2020-12 that our one schema needs, and a
test holds that the schema uses no other keyword and that both checks agree.
"""

import math
import re
from collections.abc import Iterator
from typing import Any

__all__ = ["ANNOTATIONS", "KEYWORDS", "violations"]

KEYWORDS = frozenset(
    {"type", "enum", "const", "minimum", "maximum", "pattern", "required", "properties"}
    | {"items", "minItems", "maxItems", "allOf", "if", "then", "$ref", "$defs"}
)
# Keywords that say something to the reader and nothing to the check.
ANNOTATIONS = frozenset({"$schema", "$id", "title", "description"})

_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "number": (int, float),
    "integer": (int,),
    "boolean": (bool,),
    "null": (type(None),),
}


def violations(
    value: Any, schema: dict[str, Any], root: dict[str, Any] | None = None, where: str = ""
) -> Iterator[str]:
    """Yield what is wrong with a value, one line a fault, none when it fits.

    Args:
        value: what json.loads returned, or would.
        schema: the schema or a part of it.
        root: the whole schema, where `$ref` looks; the schema itself when left out.
        where: path of the value in the file, for the messages.
    """
    root = schema if root is None else root
    yield from _own_faults(value, schema, where or "the file")
    yield from _children(value, schema, root, where)
    if "$ref" in schema:
        yield from violations(value, root["$defs"][schema["$ref"].rpartition("/")[2]], root, where)
    for part in schema.get("allOf", ()):
        yield from violations(value, part, root, where)
    if "if" in schema and not any(violations(value, schema["if"], root, where)):
        yield from violations(value, schema.get("then", {}), root, where)


def _own_faults(value: Any, schema: dict[str, Any], where: str) -> Iterator[str]:
    """Yield the faults of the value itself, apart from what it holds."""
    types = schema.get("type", ())
    wanted = [types] if isinstance(types, str) else list(types)
    if wanted and not any(_is(value, name) for name in wanted):
        yield f"{where}: expected {' or '.join(wanted)}, found {_shown(value)}"
        return
    if isinstance(value, float) and not math.isfinite(value):
        yield f"{where}: {value} is not a finite number"
    if "const" in schema and value != schema["const"]:
        yield f"{where}: expected {schema['const']!r}, found {_shown(value)}"
    if "enum" in schema and value not in schema["enum"]:
        yield f"{where}: expected one of {schema['enum']}, found {_shown(value)}"
    low, high = schema.get("minimum", -math.inf), schema.get("maximum", math.inf)
    if _is(value, "number") and not low <= value <= high:
        yield f"{where}: {value} is out of range"
    if isinstance(value, str) and not re.search(schema.get("pattern", ""), value):
        yield f"{where}: {_shown(value)} does not fit {schema['pattern']}"
    fewest, most = schema.get("minItems", 0), schema.get("maxItems", math.inf)
    if isinstance(value, list) and not fewest <= len(value) <= most:
        yield f"{where}: {len(value)} entries, expected at least {fewest} and at most {most}"


def _children(
    value: Any, schema: dict[str, Any], root: dict[str, Any], where: str
) -> Iterator[str]:
    if isinstance(value, dict):
        for key in schema.get("required", ()):
            if key not in value:
                yield f"{where or 'the file'}: key {key!r} is missing"
        for key, part in schema.get("properties", {}).items():
            if key in value:
                yield from violations(value[key], part, root, f"{where}/{key}")
    if isinstance(value, list) and "items" in schema:
        for index, item in enumerate(value):
            yield from violations(item, schema["items"], root, f"{where}/{index}")


def _is(value: Any, name: str) -> bool:
    """Tell whether a value has a JSON type; a bool is no number."""
    if isinstance(value, bool):
        return name == "boolean"
    return isinstance(value, _TYPES[name])


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
