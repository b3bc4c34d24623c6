"""Ages, spans of ages and labels."""

import math
import re

import pytest

from faceage_calibration.labels import AgeBin, Label, parse_age, parse_age_bin
from faceage_edge.errors import FacesError


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        pytest.param("0-2", 0, 3, id="both ends belong to the span"),
        pytest.param("20-29", 20, 30, id="FairFace"),
        pytest.param("more than 70", 70, math.inf, id="FairFace's last"),
        pytest.param("More  Than 70", 70, math.inf, id="case and blanks do not matter"),
        pytest.param("70+", 70, math.inf, id="plus"),
        pytest.param(">=70", 70, math.inf, id="at least"),
        pytest.param("60 and over", 60, math.inf, id="in words"),
        pytest.param("(25, 32)", 25, 33, id="Adience"),
        pytest.param("20–29", 20, 30, id="en dash"),
        pytest.param("8 to 12", 8, 13, id="to"),
        pytest.param("35", 35, 36, id="one year"),
    ],
)
def test_spans_of_ages(text: str, low: float, high: float) -> None:
    """The spellings of data sets become spans whose upper end is excluded."""
    assert parse_age_bin(text, "a.jpg") == AgeBin(low, high)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("young", "no span of ages", id="a word"),
        pytest.param("", "no span of ages", id="nothing"),
        pytest.param("29-20", "run backwards", id="backwards"),
        pytest.param("110-130", "out of range", id="older than anyone"),
        pytest.param("more than 150", "out of range", id="open above the oldest"),
    ],
)
def test_what_is_no_span(text: str, expected: str) -> None:
    """A text that is no span is refused with the file's name and what was expected."""
    with pytest.raises(FacesError, match=rf"^a\.jpg: .*{expected}.*expected"):
        parse_age_bin(text, "a.jpg")


@pytest.mark.parametrize(
    ("years", "distance", "inside"),
    [
        pytest.param(20.0, 0.0, True, id="the lower end is inside"),
        pytest.param(29.99, 0.0, True, id="the last moment before the upper end is inside"),
        pytest.param(30.0, 0.0, False, id="the upper end is outside, at no distance"),
        pytest.param(33.5, 3.5, False, id="above"),
        pytest.param(18.0, 2.0, False, id="below"),
    ],
)
def test_distance_from_a_span(years: float, distance: float, inside: bool) -> None:
    """Distance is counted in years outside the span."""
    span = AgeBin(20, 30)
    assert (span.distance(years), span.contains(years)) == (distance, inside)


def test_an_open_span_has_no_upper_side() -> None:
    """Nobody is too old for an open span."""
    assert AgeBin(70, math.inf).distance(116) == 0


@pytest.mark.parametrize("text", ["0", "1", "42", "42.5", "116", "120"])
def test_ages_in_range(text: str) -> None:
    """Ages from 0 to 120 are read as numbers."""
    assert parse_age(text, "a.jpg") == float(text)


@pytest.mark.parametrize("text", ["-1", "121", "999", "nan", "inf", "forty", ""])
def test_ages_out_of_range(text: str) -> None:
    """Anything else is refused, naming the file and the range."""
    with pytest.raises(FacesError, match=rf"a\.jpg: the age {re.escape(repr(text))}.*expected"):
        parse_age(text, "a.jpg")


@pytest.mark.parametrize(
    ("label", "decade"),
    [
        pytest.param(Label(years=9.9), 0, id="nine is in the first decade"),
        pytest.param(Label(years=10.0), 1, id="ten is in the second"),
        pytest.param(Label(bin=AgeBin(3, 10)), 0, id="a span counts by its lower end"),
        pytest.param(Label(years=31.0, bin=AgeBin(20, 30)), 3, id="an exact age wins"),
        pytest.param(Label(), None, id="no age, no decade"),
    ],
)
def test_decade(label: Label, decade: int | None) -> None:
    """A label knows its decade of life."""
    assert label.decade == decade
    assert label.has_age == (decade is not None)
