"""Options that take numbers."""

import argparse

import pytest

from faceage_edge.number_options import above_zero, at_least


@pytest.mark.parametrize(
    ("text", "kind", "value"), [("2", int, 2), ("2.5", float, 2.5), ("999999999", int, 999_999_999)]
)
def test_a_number_is_read(text: str, kind: type[int] | type[float], value: float) -> None:
    """As the kind that is asked for."""
    found = at_least(2, kind)(text)
    assert (type(found), found) == (kind, value)


@pytest.mark.parametrize(
    ("text", "kind", "said"),
    [
        ("1", int, "1: expected 2 to 999,999,999"),
        ("1000000000", int, "1000000000: expected 2 to 999,999,999"),
        ("nan", float, "nan: expected 2 to 999,999,999"),
        ("inf", float, "inf: expected 2 to 999,999,999"),
        ("2.5", int, "'2.5' is no whole number"),
        ("many", float, "'many' is no number"),
    ],
)
def test_any_other_text_is_told(text: str, kind: type[int] | type[float], said: str) -> None:
    """What was found, and what is expected."""
    with pytest.raises(argparse.ArgumentTypeError) as caught:
        at_least(2, kind)(text)
    assert str(caught.value) == said


@pytest.mark.parametrize(
    ("text", "value"), [("0.08", 0.08), ("60", 60.0), ("999999999", 999999999)]
)
def test_a_number_above_zero_is_read(text: str, value: float) -> None:
    """However little above."""
    assert above_zero(text) == value


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("0", "0: expected more than 0, 999,999,999 at most"),
        ("-1", "-1: expected more than 0, 999,999,999 at most"),
        ("nan", "nan: expected more than 0, 999,999,999 at most"),
        ("inf", "inf: expected more than 0, 999,999,999 at most"),
        ("soon", "'soon' is no number"),
    ],
)
def test_what_is_not_above_zero_is_told(text: str, said: str) -> None:
    """What was found, and what is expected."""
    with pytest.raises(argparse.ArgumentTypeError) as caught:
        above_zero(text)
    assert str(caught.value) == said
