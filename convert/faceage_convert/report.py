"""The report of a conversion for people: report.md."""

import shlex
from typing import Any

from faceage_convert.gender_accuracy import gender_lines
from faceage_convert.recipes import REFINEMENTS, refined_name

__all__ = [
    "band_name",
    "coral_lines",
    "gate_lines",
    "made_sentence",
    "report_text",
    "rung_name",
]


def report_text(document: dict[str, Any]) -> str:
    """Write the report as Markdown."""
    versions = ", ".join(f"{name} {version}" for name, version in document["tools"].items())
    lines = [
        "# Conversion report",
        "",
        f"`{shlex.join(document['command'])}`",
        "",
        *_file_table(document["files"]),
        *_trained(document),
        *_cost(document),
        *gate_lines(document),
        *_layers(document),
        *coral_lines(document),
        *_interval(document["files"]),
        *_assumptions(document["files"]),
        "",
        f"Took {document['seconds']} s{_memory(document)} with {versions}.",
    ]
    return "\n".join(lines) + "\n"


def _memory(document: dict[str, Any]) -> str:
    peak = document.get("peak_memory_bytes")
    return "" if peak is None else f" and {peak / 1e6:,.0f} MB of memory"


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


def made_sentence(document: dict[str, Any]) -> str | None:
    """That the age model was trained for int8 or its file refined, in words; None where neither."""
    age = document["files"][0]
    trained, refined = age.get("qat"), age.get("refined")
    if refined:
        return f"{age['file']} was refined: {', '.join(REFINEMENTS[one] for one in refined)}."
    if trained is None:
        return None
    return (
        f"Weights and ranges of {age['file']} come from quantization-aware training (faceage-train "
        f"--qat): {trained['steps']:,} steps on {trained['faces']:,} faces with the rounding of "
        "int8. No ranges were recorded and no biases corrected."
    )


def _trained(document: dict[str, Any]) -> list[str]:
    sentence = made_sentence(document)
    return [] if sentence is None else ["", sentence]


def _cost(document: dict[str, Any]) -> list[str]:
    age, comparison = document["files"][0], document["comparison"]
    if age["scheme"] == "float32":
        return []
    if comparison is None:
        return ["", f"## What {age['scheme']} cost", "", _known_cost(document)]
    missed = f", of which the detector missed {comparison['missed']}"
    crops = f"{comparison['crops']} crops" + (missed if comparison["crops"] == "detect" else "")
    faces = "1 face" if comparison["n"] == 1 else f"{comparison['n']} faces"
    lines = [
        "",
        f"## What {age['scheme']} cost",
        "",
        f"On {faces} ({crops}), float and {age['scheme']} on identical crops:",
        "",
        f"- {age['scheme']} ages lie between {comparison['youngest']:.0f} and "
        f"{comparison['oldest']:.0f}",
        f"- ages differ by {comparison['shift_mean_abs']:.2f} years on average, "
        f"{comparison['shift_max_abs']:.1f} at most (mean shift {comparison['shift_mean']:+.2f})",
    ]
    unknown = "not every face has an age, so the error itself is not known"
    errors = unknown if comparison["delta_mae"] is None else _errors(comparison)
    return [*lines, f"- {errors}", *gender_lines(comparison, age["scheme"])]


def _known_cost(document: dict[str, Any]) -> str:
    age = document["files"][0]
    known = age["measured"]
    if known and known.get("delta_mae") is not None:
        return (
            f"No faces were given. When {age['file']} was released, the same graph was "
            f"measured on {known['n']} faces of {known['set']} ({known['crops']} crops): "
            f"{_errors(known)}."
        )
    if age.get("qat"):
        return "Not measured: no faces were given for that. Give some with `--faces`."
    if age["calibration_faces"] and document.get("rungs"):
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


def gate_lines(document: dict[str, Any]) -> list[str]:
    """The gate's verdict, its bands and the rungs that were tried, as Markdown; none where nothing
    was judged."""
    gate, rungs = document.get("gate"), document.get("rungs") or []
    if gate is None:
        return []
    lines = ["", "## Gate", "", f"**{gate['verdict']}**: {gate['reason']}."]
    if gate["faces_needed"] is not None:
        lines.append(f"About {gate['faces_needed']:,} faces like these would decide it.")
    if gate["bands"]:
        lines += ["", "| ages | faces | float | converted | difference (95 %) | |"]
        lines += ["|---|---|---|---|---|---|", *[_band(band) for band in gate["bands"]]]
    lines += ["", "| tried | size | ms a crop here | XNNPACK leaves out | error | verdict |"]
    return [*lines, "|---|---|---|---|---|---|", *[_rung(rung) for rung in rungs]]


def band_name(band: dict[str, Any]) -> str:
    """A band of ages as `20-39`, the last as `60+`."""
    return f"{band['low']}+" if band["high"] is None else f"{band['low']}-{band['high'] - 1}"


def _band(band: dict[str, Any]) -> str:
    low, high = band["delta_ci95"]
    return (
        f"| {band_name(band)} | {band['n']} | {band['mae_float']:.2f} | {band['mae_int8']:.2f} "
        f"| {band['delta']:+.3f} ({low:+.3f} to {high:+.3f}) | {band['verdict']} |"
    )


def rung_name(rung: dict[str, Any]) -> str:
    """A rung's scheme and how it was refined."""
    return refined_name(rung["scheme"], rung.get("refine", ()))


def _rung(rung: dict[str, Any]) -> str:
    if rung["refused"]:
        return f"| {rung_name(rung)} | – | – | – | – | not tried: {rung['refused']} |"
    error = "–" if rung["mae"] is None else f"{rung['mae']:.3f}"
    verdict = rung["verdict"]
    return (
        f"| {rung_name(rung)} | {rung['size_bytes'] / 1000:,.0f} kB | {rung['milliseconds']:.1f} "
        f"| {rung['left_out']} | {error} | {verdict['verdict'] if verdict else 'not judged'} |"
    )


def _layers(document: dict[str, Any]) -> list[str]:
    layers = document.get("layers") or []
    if not layers:
        return []
    worst = sorted(layers, key=lambda layer: -layer["added"])[:5]
    return [
        "",
        "## Layers that add most noise",
        "",
        "| layer | operator | signal to noise | share of the signal it adds |",
        "|---|---|---|---|",
        *[
            f"| {layer['name']} | {layer['operator']} | {layer['snr_db']:.1f} dB "
            f"| {layer['added']:.2%} |"
            for layer in worst
        ],
    ]


def coral_lines(document: dict[str, Any]) -> list[str]:
    """What a Coral would run, as Markdown; none where it is not the target."""
    coral = document.get("coral")
    if coral is None:
        return []
    share = coral["bytes_on_chip"] / coral["budget"]
    lines = [
        "",
        "## Coral",
        "",
        f"Weights of all models together: {coral['bytes_on_chip']:,} of {coral['budget']:,} bytes "
        f"on the chip ({share:.0%}).",
        "",
        "| model | operators on the Edge TPU | first on the CPU |",
        "|---|---|---|",
        *[_preflight(name, one) for name, one in coral["models"].items()],
    ]
    if coral["compiler"] is None:
        return [*lines, "", "A prediction: `edgetpu_compiler` is not on the path."]
    return [*lines, "", *[_log(log) for log in coral["compiler"]]]


def _preflight(name: str, one: dict[str, Any]) -> str:
    first = one["first_on_cpu"]
    stop = (
        "–"
        if first is None
        else f"{one['rows'][first]['operator']}: {one['rows'][first]['reason']}"
    )
    return f"| {name} | {one['mapped']} of {len(one['rows'])} | {stop} |"


def _log(log: dict[str, Any]) -> str:
    if log["problem"] is not None:
        return f"- the compiler refused {log['model'] or 'a model'}: {log['problem']}"
    return (
        f"- compiled {log['model']}: {log['on_cpu']} operators on the CPU, "
        f"{log['on_chip_used'] or 0:,} bytes cached on the chip, {log['off_chip'] or 0:,} streamed"
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
