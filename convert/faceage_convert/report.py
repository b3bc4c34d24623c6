"""The report of a conversion: report.json for programs, report.md for people."""

import json
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from faceage_convert.compare import Comparison
from faceage_convert.conversion import Converted
from faceage_convert.provenance import tool_versions
from faceage_edge.interval import interval_document

__all__ = ["REPORT_FORMAT", "report_document", "report_json", "report_text"]

REPORT_FORMAT = 1


def report_document(
    converted: Sequence[Converted],
    comparison: Comparison | None,
    *,
    command: Sequence[str],
    contents: Iterable[str],
    seconds: float,
) -> dict[str, Any]:
    """Collect what is known of a conversion as JSON values.

    Args:
        converted: the finished files.
        comparison: float against int8 on faces; None when none were left to measure on.
        command: the command line as the user typed it.
        contents: every file of the bundle, relative to its folder.
        seconds: wall-clock time of the conversion.
    """
    return {
        "report": REPORT_FORMAT,
        "command": list(command),
        "seconds": round(seconds, 2),
        "tools": tool_versions(),
        "files": [_file(item) for item in converted],
        "comparison": None if comparison is None else asdict(comparison),
        "contents": sorted(contents),
    }


def report_json(document: dict[str, Any]) -> str:
    """Write the report as indented JSON."""
    return json.dumps(document, indent=1, allow_nan=False) + "\n"


def report_text(document: dict[str, Any]) -> str:
    """Write the report as Markdown."""
    versions = ", ".join(f"{name} {version}" for name, version in document["tools"].items())
    lines = [
        "# Conversion report",
        "",
        f"`{shlex.join(document['command'])}`",
        "",
        *_file_table(document["files"]),
        *_cost(document),
        *_interval(document["files"]),
        *_assumptions(document["files"]),
        "",
        f"Took {document['seconds']} s with {versions}.",
    ]
    return "\n".join(lines) + "\n"


def _file(item: Converted) -> dict[str, Any]:
    assert item.checks is not None
    contract = item.contract
    calibration = contract.provenance.get("calibration")
    return {
        "file": item.file_name,
        "task": contract.task,
        "name": contract.name,
        "source": item.source.path.name,
        "source_size_bytes": len(item.source.data),
        "assumed": list(item.source.assumed),
        "licence": contract.licence,
        "input": {
            "shape": [contract.input.batch, contract.input.height, contract.input.width, 3],
            "dtype": contract.input.dtype,
            "scale": contract.input.scale,
            "zero_point": contract.input.zero_point,
        },
        "outputs": [{"name": o.name, "head": o.head, "dtype": o.dtype} for o in contract.outputs],
        "calibration_faces": None if calibration is None else calibration["n"],
        "interval": None if contract.interval is None else interval_document(contract.interval),
        "model_digest": contract.model_digest,
        "source_digest": contract.provenance.get("source_digest"),
        "measured": contract.provenance.get("measured"),
        **asdict(item.checks),
    }


def _file_table(files: list[dict[str, Any]]) -> list[str]:
    rows = [
        "| file | scheme | size (float) | operators | XNNPACK against built-in kernels |",
        "|---|---|---|---|---|",
    ]
    for file in files:
        operators = ", ".join(f"{count} {name}" for name, count in file["operators"].items())
        rows.append(
            f"| {file['file']} | {file['scheme']} | {file['size_bytes'] / 1000:,.0f} kB "
            f"({file['source_size_bytes'] / 1000:,.0f} kB) | {operators} "
            f"| differ by at most {file['kernel_difference']:g} |"
        )
    rows += ["", "Scheme and operators are read back from the files. Every file ran with and"]
    rows += ["without XNNPACK and gave different answers to different pictures."]
    return rows


def _cost(document: dict[str, Any]) -> list[str]:
    age, comparison = document["files"][0], document["comparison"]
    if age["scheme"] == "float32":
        return []
    if comparison is None:
        return ["", "## What int8 cost", "", _known_cost(age)]
    missed = f", of which the detector missed {comparison['missed']}"
    crops = f"{comparison['crops']} crops" + (missed if comparison["crops"] == "detect" else "")
    faces = "1 face" if comparison["n"] == 1 else f"{comparison['n']} faces"
    lines = [
        "",
        "## What int8 cost",
        "",
        f"On {faces} ({crops}), float and int8 on identical crops:",
        "",
        f"- int8 ages lie between {comparison['youngest']:.0f} and {comparison['oldest']:.0f}",
        f"- ages differ by {comparison['shift_mean_abs']:.2f} years on average, "
        f"{comparison['shift_max_abs']:.1f} at most (mean shift {comparison['shift_mean']:+.2f})",
    ]
    if comparison["delta_mae"] is None:
        return [*lines, "- not every face has an age, so the error itself is not known"]
    return [*lines, f"- {_errors(comparison)}"]


def _known_cost(age: dict[str, Any]) -> str:
    known = age["measured"]
    if known and known.get("delta_mae") is not None:
        return (
            f"No faces were given. When {age['file']} was released, the same graph was "
            f"measured on {known['n']} faces of {known['set']} ({known['crops']} crops): "
            f"{_errors(known)}."
        )
    if age["calibration_faces"]:
        return (
            f"Not measured: all {age['calibration_faces']} faces went into the ranges. Give more, "
            "or others with `--eval-faces`."
        )
    return "Not measured: this graph is not the released one, and no faces were given."


def _errors(figures: dict[str, Any]) -> str:
    low, high = figures["delta_mae_ci95"]
    return (
        f"mean absolute error {figures['mae_float']:.3f} float, {figures['mae_int8']:.3f} int8: "
        f"{figures['delta_mae']:+.3f} years (95 % interval {low:+.3f} to {high:+.3f}, paired "
        "bootstrap)"
    )


def _interval(files: list[dict[str, Any]]) -> list[str]:
    interval = files[0]["interval"]
    if interval is None:
        return []
    return [
        "",
        "## Interval",
        "",
        f"Every age comes with an interval that holds the true age of {interval['coverage']:.0%} "
        f"of faces like the {interval['n']} it was fitted on. The float model must not have been "
        "trained on them: it errs less there, and the interval would be too narrow for others.",
    ]


def _assumptions(files: list[dict[str, Any]]) -> list[str]:
    age = files[0]
    if not age["assumed"]:
        return []
    return [
        "",
        f"## Assumed of {age['source']}",
        "",
        "The model carries no contract, so this was taken for granted:",
        "",
        *[f"- {what}" for what in age["assumed"]],
        "",
        "If one of these is wrong, so are the ages; the option in brackets says otherwise.",
    ]
