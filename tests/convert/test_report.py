"""The report says what is known and no more."""

import json
from typing import Any

import pytest

from faceage_convert.report import report_text
from faceage_convert.report_document import REPORT_FORMAT, report_json

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
RUNG: dict[str, Any] = {
    "scheme": "int8",
    "refused": None,
    "size_bytes": 2_120_000,
    "milliseconds": 6.54,
    "left_out": 0,
    "mae": 4.95,
    "verdict": {"verdict": "pass"},
}
GATE: dict[str, Any] = {
    "verdict": "undecided",
    "reason": "19 faces are too few for any verdict",
    "faces_needed": 1234,
    "bands": [
        {
            "low": 60, "high": None, "n": 101, "mae_float": 7.0, "mae_int8": 7.1, "delta": 0.1,
            "delta_ci95": [0.01, 0.2], "bound": 0.22, "verdict": "pass",
        }
    ],
}  # fmt: skip


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
        "rungs": [] if file and "calibration_faces" in file else [RUNG],
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


def test_gate_and_rungs() -> None:
    """The verdict with what it takes, each band, each rung tried or refused."""
    refused = {**RUNG, "scheme": "int16x8", "refused": "the Edge TPU runs int8 only"}
    found = text({}, COMPARISON, gate=GATE, rungs=[RUNG, refused])
    assert "**undecided**: 19 faces are too few for any verdict." in found
    assert "About 1,234 faces like these would decide it." in found
    assert "| 60+ | 101 | 7.00 | 7.10 | +0.100 (+0.010 to +0.200) | pass |" in found
    assert "| int8 | 2,120 kB | 6.5 | 0 | 4.950 | pass |" in found
    assert "| int16x8 | – | – | – | – | not tried: the Edge TPU runs int8 only |" in found


def test_what_is_not_known_is_left_out() -> None:
    """No interval, no assumptions, and for a float file no cost."""
    found = text({"scheme": "float32"})
    assert [line for line in found.splitlines() if line.startswith("## ")] == []


def test_json_has_no_nan() -> None:
    """report.json is JSON for every reader."""
    assert json.loads(report_json({"a": [1, None]})) == {"a": [1, None]}
    with pytest.raises(ValueError, match="not JSON compliant"):
        report_json({"a": float("nan")})
