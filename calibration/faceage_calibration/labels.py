"""What is known of a face's owner: an exact age or a span of ages, gender, ethnicity."""

import math
import re
from dataclasses import dataclass

from faceage_edge.errors import FacesError

__all__ = ["OLDEST_AGE", "AgeBin", "Label", "parse_age", "parse_age_bin"]

# Labelled sets end at 116 years; the oldest person on record reached 122.
OLDEST_AGE = 120

_SPAN = re.compile(r"[(\[]?\s*(\d{1,3})\s*(?:-|–|,|to)\s*(\d{1,3})\s*[)\]]?")
_OPEN = re.compile(r"(?:more than|over|above|>=?|≥)\s*(\d{1,3})|(\d{1,3})\s*(?:\+|and over)")
_SINGLE = re.compile(r"\d{1,3}")


@dataclass(frozen=True)
class AgeBin:
    """A span of ages in years: `low` belongs to it, `high` does not and may be infinite.

    >>> AgeBin(20, 30).distance(33.5)
    3.5
    """

    low: float
    high: float

    def __str__(self) -> str:
        """The span as `parse_age_bin` reads it, its ends whole years that a person counts.

        >>> str(AgeBin(20, 30)), str(AgeBin(70, math.inf))
        ('20-29', '70+')
        """
        if math.isinf(self.high):
            return f"{self.low:.0f}+"
        return f"{self.low:.0f}-{self.high - 1:.0f}"

    def contains(self, years: float) -> bool:
        """Whether an age in years lies in the span."""
        return self.low <= years < self.high

    def distance(self, years: float) -> float:
        """Years by which an age lies outside the span; 0 inside it."""
        return max(self.low - years, years - self.high, 0.0)


@dataclass(frozen=True)
class Label:
    """What a set says about one face; None where it says nothing.

    `years` is an exact age in years and wins over `bin`. `gender` is "male", "female" or the set's
    own word in lower case, `ethnicity` the set's own word.
    """

    years: float | None = None
    bin: AgeBin | None = None
    gender: str | None = None
    ethnicity: str | None = None

    @property
    def decade(self) -> int | None:
        """The decade of life the age or the span begins in: 0 for ages 0-9, 1 for 10-19."""
        if self.years is not None:
            return int(self.years // 10)
        return None if self.bin is None else int(self.bin.low // 10)

    @property
    def has_age(self) -> bool:
        """Whether the set gives an age or a span of ages."""
        return self.years is not None or self.bin is not None


def parse_age(text: str, where: str) -> float:
    """Read an exact age.

    Args:
        text: a number of years, whole or with decimals.
        where: the file it belongs to, for the message.

    Returns:
        The age in years, 0 to `OLDEST_AGE`.

    Raises:
        FacesError: it is no number, or out of range.
    """
    try:
        years = float(text)
    except ValueError:
        years = math.nan
    return _checked(years, text, where)


def parse_age_bin(text: str, where: str) -> AgeBin:
    """Read a span of ages as data sets write it.

    Ends are whole years that a person counts, so both belong to the span.

    >>> parse_age_bin("20-29", "a.jpg")
    AgeBin(low=20.0, high=30.0)
    >>> parse_age_bin("more than 70", "a.jpg")
    AgeBin(low=70.0, high=inf)

    Args:
        text: "20-29" (FairFace), "(25, 32)" (Adience), "more than 70", "70+", or one year "35".
        where: the file it belongs to, for the message.

    Returns:
        The span in years, upper end excluded.

    Raises:
        FacesError: it is no span, or out of range.
    """
    word = " ".join(text.lower().split())
    if match := _SPAN.fullmatch(word):
        low = _checked(float(match[1]), text, where)
        high = _checked(float(match[2]), text, where)
        if high < low:
            raise FacesError(f"{where}: the ages {text!r} run backwards; expected low-high")
        return AgeBin(low, high + 1)
    if match := _OPEN.fullmatch(word):
        return AgeBin(_checked(float(match[1] or match[2]), text, where), math.inf)
    if _SINGLE.fullmatch(word):
        low = _checked(float(word), text, where)
        return AgeBin(low, low + 1)
    raise FacesError(
        f"{where}: {text!r} is no span of ages; expected one like 20-29, more than 70 or 70+"
    )


def _checked(years: float, text: str, where: str) -> float:
    if math.isnan(years):
        raise FacesError(f"{where}: the age {text!r} is not a number; expected years")
    if not 0 <= years <= OLDEST_AGE:
        raise FacesError(
            f"{where}: the age {text!r} is out of range; expected 0 to {OLDEST_AGE} years, "
            "correct the label or take the picture out"
        )
    return years
