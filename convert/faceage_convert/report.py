"""The report of a conversion: report.json for programs, report.md for people."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from faceage_convert.compare import Comparison
from faceage_convert.provenance import tool_versions
from faceage_convert.static import Converted

__all__ = ["report_document", "report_json", "report_text"]

REPORT_FORMAT = 1


def report_document(
    converted: Sequence[Converted],
    comparison: Comparison | None,
    *,
    command: Sequence[str],
    seconds: float,
) -> dict[str, Any]:
    """Collect what is known of a conversion as JSON values.

    Args:
        converted: the finished files.
        comparison: float against int8 on faces; None when no faces were given.
        command: the command line as the user typed it.
        seconds: wall-clock time of the conversion.
    """
    return {
        "report": REPORT_FORMAT,
        "command": list(command),
        "seconds": round(seconds, 2),
        "tools": tool_versions(),
        "files": [_file(item) for item in converted],
        "comparison": None if comparison is None else asdict(comparison),
    }


def _file(item: Converted) -> dict[str, Any]:
    assert item.checks is not None
    contract = item.contract
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
        "interval": None if contract.interval is None else dict(vars(contract.interval)),
        "model_digest": contract.model_digest,
        "source_digest": contract.provenance.get("source_digest"),
        "measured": contract.provenance.get("measured"),
        **asdict(item.checks),
    }


def report_text(document: dict[str, Any]) -> str:
    """Write the report as Markdown."""
    lines = ["# Conversion report", "", f"`{' '.join(document['command'])}`", ""]
    lines += _file_table(document["files"])
    lines += ["", "## What int8 cost", "", *_cost(document)]
    for file in document["files"]:
        if file["assumed"]:
            lines += ["", f"## Assumed of {file['source']}", "", "The model carries no contract:"]
            lines += [f"- {what}" for what in file["assumed"]]
            lines += ["", "If one of these is wrong, so are the ages. Say it with the option named."]
    versions = ", ".join(f"{name} {version}" for name, version in document["tools"].items())
    lines += ["", f"Took {document['seconds']} s with {versions}.", ""]
    return "\n".join(lines)


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
    comparison = document["comparison"]
    if comparison is None:
        return _known_cost(document["files"])
    lines = [
        f"On {comparison['n']} faces ({comparison['crops']} crops, {comparison['missed']} missed "
        "by the detector), float and int8 on identical crops:",
        "",
        f"- ages differ by {comparison['shift_mean_abs']:.2f} years on average, "
        f"{comparison['shift_max_abs']:.1f} at most (mean shift {comparison['shift_mean']:+.2f})",
    ]
    if comparison["delta_mae"] is None:
        return [*lines, "- the faces have no labels, so the error itself is not known"]
    low, high = comparison["delta_mae_ci95"]
    return [
        *lines,
        f"- mean absolute error {comparison['mae_float']:.3f} float, "
        f"{comparison['mae_int8']:.3f} int8: {comparison['delta_mae']:+.3f} years "
        f"(95 % interval {low:+.3f} to {high:+.3f}, paired bootstrap)",
    ]


def _known_cost(files: list[dict[str, Any]]) -> list[str]:
    for file in files:
        known = file["measured"]
        if known and known.get("delta_mae") is not None:
            low, high = known["delta_mae_ci95"]
            return [
                f"No faces were given. When {file['file']} was released, the same graph was "
                f"measured on {known['n']} faces of {known['set']} ({known['crops']} crops): mean "
                f"absolute error {known['mae_float']:.3f} float, {known['mae_int8']:.3f} int8, "
                f"{known['delta_mae']:+.3f} years (95 % interval {low:+.3f} to {high:+.3f})."
            ]
    return ["No faces were given, so it was not measured. Give labelled faces with `--faces`."]


def report_json(document: dict[str, Any]) -> str:
    """Write the report as indented JSON."""
    return json.dumps(document, indent=1, allow_nan=False) + "\n"
