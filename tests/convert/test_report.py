"""The report says what is known and no more."""

import json
from typing import Any

import pytest

from faceage_convert.report import REPORT_FORMAT, report_json, report_text

FILE: dict[str, Any] = {
    "file": "mine.int8.tflite",
    "task": "age",
    "source": "mine.keras",
    "source_size_bytes": 4_000_000,
    "size_bytes": 1_000_000,
    "scheme": "int8",
    "operators": {"CONV_2D": 3, "FULLY_CONNECTED": 1},
    "kernel_difference": 1.0,
    "assumed": [],
    "calibration_faces": 300,
    "interval": None,
    "measured": None,
}
COMPARISON: dict[str, Any] = {
    "n": 500,
    "crops": "detect",
    "missed": 4,
    "youngest": 3.2,
    "oldest": 81.7,
    "shift_mean": -0.1,
    "shift_mean_abs": 0.35,
    "shift_max_abs": 2.25,
    "mae_float": 4.9,
    "mae_int8": 4.95,
    "delta_mae": 0.05,
    "delta_mae_ci95": [0.01, 0.09],
}


def text(
    file: dict[str, Any] | None = None, comparison: dict[str, Any] | None = None, **more: Any
) -> str:
    """Write a report of one file."""
    document = {
        "report": REPORT_FORMAT,
        "command": ["faceage-convert", "--model", "my model.keras"],
        "seconds": 1.5,
        "tools": {"numpy": "2.0"},
        "files": [{**FILE, **(file or {})}],
        "comparison": comparison,
        **more,
    }
    return report_text(document)


LINES: list[tuple[dict[str, Any], dict[str, Any] | None, str, str]] = [
    ({}, None, "`faceage-convert --model 'my model.keras'`", "the command, as it can be repeated"),
    ({}, None, "| 1,000 kB (4,000 kB) | 3 CONV_2D, 1 FULLY_CONNECTED |", "sizes and operators"),
    ({}, COMPARISON, "500 faces (detect crops, of which the detector missed 4)", "how many faces"),
    ({}, {**COMPARISON, "crops": "aligned", "missed": 0}, "(aligned crops)", "no detector asked"),
    ({}, COMPARISON, "int8 ages lie between 3 and 82", "what ages"),
    ({}, COMPARISON, "by 0.35 years on average, 2.2 at most (mean shift -0.10)", "shifts"),
    ({}, COMPARISON, "4.900 float, 4.950 int8: +0.050 years (95 % interval +0.010", "the cost"),
    ({}, {**COMPARISON, "delta_mae": None}, "the error itself is not known", "no labels"),
    ({}, None, "Not measured: all 300 faces went into the ranges", "no faces left"),
    ({"calibration_faces": None}, None, "this graph is not the released one", "another quantizer"),
    (
        {"measured": {**COMPARISON, "set": "faces.tar"}},
        None,
        "the same graph was measured on 500 faces of faces.tar (detect crops)",
        "the release's figures",
    ),
    (
        {"interval": {"coverage": 0.9, "n": 300}},
        None,
        "holds the true age of 90% of faces like the 300 it was fitted on",
        "the interval",
    ),
    ({"assumed": ["colour order RGB (--colour)"]}, None, "- colour order RGB", "assumptions"),
]


@pytest.mark.parametrize(
    ("file", "comparison", "line", "note"), LINES, ids=[case[3] for case in LINES]
)
def test_text(
    file: dict[str, Any], comparison: dict[str, Any] | None, line: str, note: str
) -> None:
    """Each fact is stated where it is known."""
    assert line in text(file, comparison)


def test_what_is_not_known_is_left_out() -> None:
    """No interval, no assumptions, and for a float file no cost."""
    found = text({"scheme": "float32"})
    assert [line for line in found.splitlines() if line.startswith("## ")] == []


def test_json_has_no_nan() -> None:
    """report.json is JSON for every reader."""
    assert json.loads(report_json({"a": [1, None]})) == {"a": [1, None]}
    with pytest.raises(ValueError, match="not JSON compliant"):
        report_json({"a": float("nan")})
