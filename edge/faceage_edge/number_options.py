"""Options of a command line that take numbers."""

import argparse
from collections.abc import Callable

__all__ = ["above_zero", "at_least"]

# More than anything here counts or measures; it keeps infinity out.
_MOST = 999_999_999


def above_zero(text: str) -> float:
    """Read a number above zero, the `type` of an option.

    Raises:
        argparse.ArgumentTypeError: it is none.
    """
    value = _number(text, float)
    if not 0 < value <= _MOST:
        raise argparse.ArgumentTypeError(f"{text}: expected more than 0, {_MOST:,} at most")
    return value


def at_least(least: int, kind: type[int] | type[float] = int) -> Callable[[str], float]:
    """Make the `type` of an option that takes a number of some least size.

    Args:
        least: the smallest it takes.
        kind: whole numbers, or all.

    Returns:
        What turns the option's text into the number; an `argparse.ArgumentTypeError` says what is
        wrong with any other text.
    """

    def parse(text: str) -> float:
        value = _number(text, kind)
        if not least <= value <= _MOST:
            raise argparse.ArgumentTypeError(f"{text}: expected {least} to {_MOST:,}")
        return value

    return parse


def _number(text: str, kind: type[int] | type[float]) -> float:
    try:
        return kind(text)
    except ValueError as error:
        named = "whole number" if kind is int else "number"
        raise argparse.ArgumentTypeError(f"{text!r} is no {named}") from error
