"""The report as one page that needs nothing else: style, charts and pictures are inside it."""

import base64
import html
import shlex
from collections.abc import Sequence
from typing import Any

import cv2

from faceage_convert.age_result import FaceRow
from faceage_convert.charts import Span, bars, intervals, scatter
from faceage_convert.page_style import STYLE
from faceage_convert.report import band_name, made_sentence, rung_name

__all__ = ["report_page"]

# Points beyond this hide each other and only make the page heavy.
_MOST_POINTS = 3000
_PICTURES = 24


def report_page(document: dict[str, Any], faces: Sequence[FaceRow], *, pictures: bool) -> str:
    """Write the report as HTML.

    Args:
        document: from `report_document`.
        faces: the faces that were measured on, maybe none.
        pictures: put the crops of those that moved most into the page.
    """
    age = document["files"][0]
    title = f"{age['name']}: {age['scheme']}"
    parts = [
        _head(document, age),
        _tiles(document, age),
        _section("Cost in years", _cost(document, faces, age)),
        _section("Rungs", _rungs(document)),
        _section("Layers", _layers(document)),
        _section("Files", _files(document)),
        _section("Operators", _operators(document)),
        _section("Coral", _coral(document)),
        _section("Assumed", _assumed(age)),
        _section("Faces that moved most", _pictures(faces) if pictures else ""),
        f"<footer>{html.escape(_made(document))}</footer>",
    ]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{html.escape(title)}</title><style>{STYLE}</style></head>\n"
        f"<body><main>{''.join(parts)}</main></body></html>\n"
    )


def _head(document: dict[str, Any], age: dict[str, Any]) -> str:
    gate, trained = document["gate"], made_sentence(document)
    verdict = ""
    if gate is not None:
        needed = gate["faces_needed"]
        more = "" if needed is None else f" About {needed:,} faces like these would decide it."
        verdict = (
            f'<p class="verdict {gate["verdict"]}"><strong>{gate["verdict"]}</strong> '
            f"{html.escape(gate['reason'])}.{more}</p>"
        )
    return (
        f"<h1>{html.escape(age['name'])} <small>{html.escape(age['scheme'])}</small></h1>"
        f"<pre>{html.escape(shlex.join(document['command']))}</pre>{verdict}"
        + ("" if trained is None else f"<p>{html.escape(trained)}</p>")
    )


def _tiles(document: dict[str, Any], age: dict[str, Any]) -> str:
    comparison = document["comparison"]
    tiles = [
        (
            "size",
            f"{age['size_bytes'] / 1e6:.2f} MB",
            f"float {age['source_size_bytes'] / 1e6:.2f} MB",
        ),
        ("kernels differ by", f"{age['kernel_difference']:g}", "XNNPACK against built-in"),
    ]
    if comparison is not None:
        tiles.append(
            (
                "ages move by",
                f"{comparison['shift_mean_abs']:.2f} years",
                f"mean of {comparison['n']:,} faces, at most {comparison['shift_max_abs']:.1f}",
            )
        )
    if comparison is not None and comparison["delta_mae"] is not None:
        low, high = comparison["delta_mae_ci95"]
        tiles[:0] = [
            (
                "mean error",
                f"{comparison['mae_int8']:.2f} years",
                f"float {comparison['mae_float']:.2f}",
            ),
            (
                "difference",
                f"{comparison['delta_mae']:+.3f} years",
                f"95 %: {low:+.3f} to {high:+.3f}",
            ),
        ]
    gender = (comparison or {}).get("gender")
    if gender is not None:
        tiles.append(("gender right", f"{gender['int8']:.1%}", f"float {gender['float32']:.1%}"))
    shown = "".join(
        f"<div><span>{html.escape(name)}</span><b>{html.escape(value)}</b>"
        f"<small>{html.escape(more)}</small></div>"
        for name, value, more in tiles
    )
    return f'<div class="tiles">{shown}</div>'


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.2f} MB"


def _section(title: str, body: str) -> str:
    return f"<section><h2>{title}</h2>{body}</section>" if body else ""


def _cost(document: dict[str, Any], faces: Sequence[FaceRow], age: dict[str, Any]) -> str:
    if not faces:
        known = age["measured"]
        if known and known.get("delta_mae") is not None:
            return (
                f"<p>No faces were given. When this graph was released, it was measured on "
                f"{known['n']:,} faces of {html.escape(known['set'])}: mean error "
                f"{known['mae_float']:.3f} years float, {known['mae_int8']:.3f} converted.</p>"
            )
        return "<p>Not measured: no faces were left to measure on.</p>"
    step = -(-len(faces) // _MOST_POINTS)
    rows = faces[::step]
    pairs = [(row.float_years, row.converted_years) for row in rows]
    moves = [(row.float_years, row.converted_years - row.float_years) for row in rows]
    charts = [
        _figure("Each face: the age before and after", scatter(
            pairs, x="float model, years", y="converted, years", diagonal=True,
            name="Ages by the converted model against ages by the float model",
        )),
        _figure("How far the conversion moved it", scatter(
            moves, x="float model, years", y="moved by, years", diagonal=False,
            name="Difference of the two ages against the age by the float model",
        )),
        *_bands(document),
    ]  # fmt: skip
    note = "" if step == 1 else f" One in {step} is drawn."
    return (
        f'<div class="charts">{"".join(charts)}</div>'
        f"<p>Float and converted model on identical crops. All {len(faces):,} faces are in "
        f"<code>faces.csv</code>, those that moved most first.{note}</p>{_band_table(document)}"
    )


def _bands(document: dict[str, Any]) -> list[str]:
    gate = document["gate"]
    if gate is None:
        return []
    spans = [Span("all", gate["delta"], *gate["delta_ci95"])]
    spans += [Span(band_name(b), b["delta"], *b["delta_ci95"]) for b in gate["bands"]]
    return [
        _figure("Rise of the error by age, with 95 % intervals", intervals(
            spans, limit=gate["limits"]["band_drop"], x="years; the dashed line is --max-band-drop",
            name="Difference of the mean absolute errors by band of ages",
        ))
    ]  # fmt: skip


def _band_table(document: dict[str, Any]) -> str:
    gate = document["gate"]
    if gate is None or not gate["bands"]:
        return ""
    rows = [
        [
            band_name(band), f"{band['n']:,}", f"{band['mae_float']:.2f}",
            f"{band['mae_int8']:.2f}", f"{band['delta']:+.3f}", f"{band['bound']:+.3f}",
            band["verdict"],
        ]
        for band in gate["bands"]
    ]  # fmt: skip
    head = ["ages", "faces", "float", "converted", "difference", "upper bound", ""]
    return _table(head, rows)


def _rungs(document: dict[str, Any]) -> str:
    rows = []
    for rung in document["rungs"]:
        verdict = rung["verdict"]
        words = rung["refused"] or ("not judged" if verdict is None else verdict["verdict"])
        if rung["refused"]:
            rows.append([rung_name(rung), "–", "–", "–", "–", f"not tried: {words}"])
            continue
        error = "–" if rung["mae"] is None else f"{rung['mae']:.3f}"
        rows.append(
            [
                rung_name(rung), f"{rung['size_bytes'] / 1e6:.2f} MB",
                f"{rung['milliseconds']:.1f}", str(rung["left_out"]), error, words,
            ]
        )  # fmt: skip
    if not rows:
        return ""
    head = ["tried", "size", "ms a crop here", "left out by XNNPACK", "mean error", "verdict"]
    return _table(head, rows)


def _layers(document: dict[str, Any]) -> str:
    layers = document["layers"]
    if not layers:
        return ""
    worst = sorted(layers, key=lambda layer: -layer["added"])[:5]
    names = frozenset(layer["name"] for layer in worst if layer["added"] > 0)
    chart = bars(
        [(layer["name"], max(layer["snr_db"], 0.0)) for layer in layers],
        x="signal to noise, dB (more is better)",
        name="Signal-to-noise ratio of every layer",
        marked=names,
    )
    rows = [
        [layer["name"], layer["operator"], f"{layer['snr_db']:.1f} dB", f"{layer['added']:.2%}"]
        for layer in worst
    ]
    figure = _figure("Layers in order; those that add most noise stand out", chart)
    table = _table(["layer", "operator", "signal to noise", "noise it adds"], rows)
    return f'<div class="charts">{figure}<div>{table}</div></div>'


def _files(document: dict[str, Any]) -> str:
    rows = [
        [
            file["file"], file["scheme"], f"{file['size_bytes'] / 1000:,.0f} kB",
            f"{file['source_size_bytes'] / 1000:,.0f} kB", file["licence"],
            f"<code>{html.escape(file['model_digest'][:16])}</code>",
        ]
        for file in document["files"]
    ]  # fmt: skip
    return _table(["file", "scheme", "size", "float", "terms", "digest"], rows, raw=5)


def _operators(document: dict[str, Any]) -> str:
    rows = [
        [
            file["file"],
            row["name"],
            str(row["version"]),
            str(row["count"]),
            row["input"],
            row["output"],
        ]
        for file in document["files"]
        for row in file["operator_rows"]
    ]
    head = ["file", "operator", "version", "count", "takes", "gives"]
    return f"<details><summary>{len(rows)} kinds</summary>{_table(head, rows)}</details>"


def _dtypes(row: dict[str, Any]) -> tuple[str, str]:
    return row["input"], row["output"]


def _coral(document: dict[str, Any]) -> str:
    coral = document["coral"]
    if coral is None:
        return ""
    rows = [
        [
            name, row["operator"], str(row["version"]), f"{row['bytes_on_chip']:,}", row["status"],
            row["reason"],
        ]
        for name, one in coral["models"].items()
        for row in one["rows"]
    ]  # fmt: skip
    share = coral["bytes_on_chip"] / coral["budget"]
    said = (
        "A prediction: edgetpu_compiler is not on the path."
        if coral["compiler"] is None
        else f"Compiled by edgetpu_compiler {coral['compiler'][0]['version']}."
    )
    head = ["file", "operator", "version", "bytes on chip", "runs on", "reason"]
    table = f"<details><summary>{len(rows)} operators</summary>{_table(head, rows)}</details>"
    return (
        f"<p>{html.escape(said)} Weights of all models together take {coral['bytes_on_chip']:,} of "
        f"{coral['budget']:,} bytes on the chip ({share:.0%}).</p>{table}"
    )


def _assumed(age: dict[str, Any]) -> str:
    items = "".join(f"<li>{html.escape(what)}</li>" for what in age["assumed"])
    note = "<p>The model carries no contract, so this was taken for granted:</p>"
    return f"{note}<ul>{items}</ul>" if items else ""


def _pictures(faces: Sequence[FaceRow]) -> str:
    moved = sorted(faces, key=lambda row: -abs(row.converted_years - row.float_years))
    return f'<div class="faces">{"".join(_picture(row) for row in moved[:_PICTURES])}</div>'


def _picture(row: FaceRow) -> str:
    done, data = cv2.imencode(".jpg", row.crop)
    assert done
    text = base64.b64encode(data.tobytes()).decode()
    label = "" if row.label.years is None else f", label {row.label.years:g}"
    words = f"{row.float_years:.1f} → {row.converted_years:.1f}{label}"
    return (
        f'<figure><img src="data:image/jpeg;base64,{text}" alt="">'
        f"<figcaption>{html.escape(words)}</figcaption></figure>"
    )


def _figure(title: str, chart: str) -> str:
    return f"<figure><figcaption>{html.escape(title)}</figcaption>{chart}</figure>"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], *, raw: int = -1) -> str:
    """A table that scrolls by itself on a narrow screen; column `raw` is HTML already."""
    top = "".join(f"<th>{html.escape(cell)}</th>" for cell in head)
    body = "".join(
        "<tr>"
        + "".join(
            f"<td>{cell if i == raw else html.escape(cell)}</td>" for i, cell in enumerate(row)
        )
        + "</tr>"
        for row in rows
    )
    return f'<div class="table"><table><tr>{top}</tr>{body}</table></div>'


def _made(document: dict[str, Any]) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in document["tools"].items())
    return f"Took {document['seconds']} s with {versions}."
