"""Read fields out of parsed JSON with one clear message for whatever is wrong with them."""

import math
import reprlib
from collections.abc import Sequence
from typing import Any

from faceage_edge.errors import ContractError

__all__ = ["Fields"]


class Fields:
    """A JSON object whose fields are fetched by name, kind and range.

    Every method raises ContractError saying where, which field, what was found and what was
    expected. Fields that are not asked for are ignored, so that a later writer may add some.
    """

    def __init__(self, document: object, where: str) -> None:
        """Wrap parsed JSON; `where` names the file and the path within it."""
        if not isinstance(document, dict):
            raise ContractError(f"{where}: expected a JSON object, found {_shown(document)}")
        self.document: dict[str, Any] = document
        self.where = where

    def has(self, name: str) -> bool:
        """Whether the field is there."""
        return name in self.document

    def text(self, name: str) -> str:
        """A string that is not empty."""
        value = self._value(name)
        if not isinstance(value, str) or not value:
            raise self._wrong(name, value, "a text")
        return value

    def choice(self, name: str, choices: Sequence[str]) -> str:
        """One of the given strings."""
        value = self._value(name)
        if not isinstance(value, str) or value not in choices:
            raise self._wrong(name, value, "one of " + ", ".join(choices))
        return value

    def integer(self, name: str, low: int | None = None, high: int | None = None) -> int:
        """A whole number between `low` and `high`."""
        value = self._value(name)
        fits = isinstance(value, int) and not isinstance(value, bool)
        if not fits or (low is not None and value < low) or (high is not None and value > high):
            raise self._wrong(name, value, f"a whole number{_range(low, high)}")
        return int(value)

    def number(self, name: str, *, above: float = -math.inf, below: float = math.inf) -> float:
        """A finite number between two bounds, which it may not reach."""
        value = self._value(name)
        if not _finite(value) or not above < value < below:
            wanted = "a number"
            wanted += f" above {above:g}" if above > -math.inf else ""
            wanted += f" below {below:g}" if below < math.inf else ""
            raise self._wrong(name, value, wanted)
        return float(value)

    def numbers(self, name: str, count: int) -> tuple[float, ...]:
        """A list of exactly `count` finite numbers."""
        value = self._value(name)
        if not isinstance(value, list) or len(value) != count or not all(map(_finite, value)):
            raise self._wrong(name, value, f"a list of {count} numbers")
        return tuple(float(item) for item in value)

    def number_list(self, name: str, most: int) -> tuple[float, ...]:
        """A list of at least one and at most `most` finite numbers."""
        value = self._value(name)
        if not isinstance(value, list) or not 1 <= len(value) <= most:
            raise self._wrong(name, value, f"a list of 1 to {most} numbers")
        return self.numbers(name, len(value))

    def ascending(self, name: str) -> tuple[float, ...]:
        """Two finite numbers, the smaller one first."""
        low, high = self.numbers(name, 2)
        if low >= high:
            raise self._wrong(name, [low, high], "a lower and a higher number")
        return low, high

    def pairs(self, name: str, count: int) -> tuple[tuple[float, float], ...]:
        """A list of exactly `count` pairs of finite numbers."""
        value = self._value(name)
        if (
            not isinstance(value, list)
            or len(value) != count
            or not all(isinstance(pair, list) and len(pair) == 2 for pair in value)
            or not all(_finite(item) for pair in value for item in pair)
        ):
            raise self._wrong(name, value, f"a list of {count} pairs of numbers")
        return tuple((float(first), float(second)) for first, second in value)

    def pair_list(self, name: str, most: int) -> tuple[tuple[float, float], ...]:
        """A list of at least two and at most `most` pairs of finite numbers."""
        value = self._value(name)
        if not isinstance(value, list) or not 2 <= len(value) <= most:
            raise self._wrong(name, value, f"a list of 2 to {most} pairs of numbers")
        return self.pairs(name, len(value))

    def items(self, name: str) -> list[Any]:
        """A list of whatever it may hold, at least one."""
        value = self._value(name)
        if not isinstance(value, list) or not value:
            raise self._wrong(name, value, "a list with at least one item")
        return value

    def texts(self, name: str) -> list[str]:
        """A list of strings that are not empty, at least one."""
        value = self.items(name)
        if not all(isinstance(item, str) and item for item in value):
            raise self._wrong(name, value, "a list of texts")
        return value

    def object(self, name: str) -> "Fields":
        """A nested object."""
        return Fields(self._value(name), f"{self.where}: {name}")

    def optional(self, name: str) -> "Fields | None":
        """A nested object, or None when it is left out."""
        return self.object(name) if self.has(name) else None

    def objects(self, name: str) -> "list[Fields]":
        """A list of nested objects, at least one."""
        value = self._value(name)
        if not isinstance(value, list) or not value:
            raise self._wrong(name, value, "a list of objects")
        return [Fields(item, f"{self.where}: {name}[{i}]") for i, item in enumerate(value)]

    def raw_object(self, name: str) -> dict[str, Any]:
        """A nested object left as it is; empty when it is left out."""
        return self.object(name).document if self.has(name) else {}

    def _value(self, name: str) -> Any:
        if name not in self.document:
            raise ContractError(f"{self.where}: the field {name!r} is missing")
        return self.document[name]

    def _wrong(self, name: str, value: Any, wanted: str) -> ContractError:
        return ContractError(f"{self.where}: {name!r} is {_shown(value)}, expected {wanted}")


def _finite(value: object) -> bool:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # JSON's whole numbers have no limit, floats have
        return False


def _range(low: int | None, high: int | None) -> str:
    if low is None:
        return ""
    return f" from {low}" + ("" if high is None else f" to {high}")


def _shown(value: object) -> str:
    # repr itself would follow a damaged file's nesting until Python's stack ends.
    brief = reprlib.Repr()
    brief.maxstring = brief.maxother = 60
    text = brief.repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
