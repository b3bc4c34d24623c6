"""Files of several machines as one list: what each model takes on each, and how far off it is.

Times and errors meet by the model's digest: what was measured of the same bytes stands in one row.
Samples of two rows never meet.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from faceage_benchmarks.grid import Grid
from faceage_benchmarks.taint import TIMED_KINDS

__all__ = ["Row", "machine_name", "merge", "merged_grid", "notes_of"]

Interval = tuple[float, float]
Named = Sequence[tuple[str, Mapping[str, Any]]]
_HEAD = ("model", "on", "ms p50 (95 %)", "p90", "p99", "runs", "error, years (95 %)", "notes")
_FORMAT_1 = "faceage-result/1"


@dataclass(frozen=True)
class Row:
    """One model on one machine.

    Attributes:
        model: name and scheme.
        digest: of its bytes.
        on: machine, threads and runtime, or "not timed".
        ms: quantiles with their intervals by p50, p90, p99; empty where it was not timed.
        samples: (n,) milliseconds in the order measured.
        mae: years over all faces, None where no file has the error of these bytes.
        mae_ci95: its interval.
        notes: what a reader must know of the figures.
    """

    model: str
    digest: str
    on: str
    ms: Mapping[str, tuple[float, Interval]] = field(default_factory=dict)
    samples: Sequence[float] = ()
    mae: float | None = None
    mae_ci95: Interval = (0.0, 0.0)
    notes: tuple[str, ...] = ()


def merge(results: Named) -> list[Row]:
    """Return a row for each model and machine that a file timed, then for each only measured.

    Args:
        results: title and result, of any kinds; those without ages or times give no row.
    """
    timed = [row for _, result in results for row in _timed(result)]
    errors = _errors(results)
    rows = [_with_error(row, errors) for row in timed]
    known = {row.digest for row in rows}
    for digest, (model, figures, note) in errors.items():
        if digest not in known:
            row = Row(model, digest, "not timed")
            rows.append(_filled(row, figures, note))
    return rows


def merged_grid(rows: Sequence[Row]) -> Grid:
    """Return the rows as a table."""
    lines = [list(_HEAD)]
    for row in rows:
        times = [_time(row, key) for key in ("p50", "p90", "p99")]
        error = "not measured" if row.mae is None else _spread(row.mae, row.mae_ci95, 2)
        runs = str(len(row.samples)) if row.samples else "–"
        lines.append([row.model, row.on, *times, runs, error, "; ".join(row.notes)])
    return lines


def machine_name(result: Mapping[str, Any]) -> str:
    """Name what a result was measured on: the model's device if it ran on one, else the board."""
    machine = result["machine"]
    device = result.get("model", {}).get("device")
    name = device or machine["model"] or machine["architecture"]
    threads = result.get("threads")
    return f"{name}, {threads} thread{'s' * (threads > 1)}" if threads and not device else str(name)


def notes_of(result: Mapping[str, Any]) -> tuple[str, ...]:
    """Say what a reader must know of a result: quick, tainted and why, or not judged."""
    notes = []
    if result.get("quick"):
        notes.append("quick look")
    if result["schema"] == _FORMAT_1 and result["kind"] in TIMED_KINDS:
        notes.append("disturbance not recorded (format 1)")
    elif result.get("tainted"):
        notes.append("tainted: " + ", ".join(result["taint"]))
    return tuple(notes)


def _timed(result: Mapping[str, Any]) -> Iterator[Row]:
    if result["kind"] != "latency":
        return
    on, notes = machine_name(result), notes_of(result)
    runtime = result.get("runtime")
    sides = [("model", result, "ms", result.get("accuracy"))]
    if "against" in result:
        theirs = result.get("accuracy", {}).get("against_figures")
        sides.append(("against", result["against_figures"], "against_ms", theirs))
    for key, figures, samples, accuracy in sides:
        model = result[key]
        device = model.get("device") or on
        row = Row(
            model=_model_name(model),
            digest=model["digest"],
            on=f"{device} ({model.get('framework') or runtime})",
            ms={
                short: (figures[f"{short}_ms"], tuple(figures[f"{short}_ms_ci95"]))
                for short in ("p50", "p90", "p99")
            },
            samples=result["samples"][samples],
            notes=notes,
        )
        yield _filled(row, accuracy, None) if accuracy and "mae" in accuracy else row


def _errors(results: Named) -> dict[str, tuple[str, Mapping[str, Any], str]]:
    """Return model, figures and a note by digest, of the first accuracy file of each model.

    Files whose faces were cut by the detector go first: that is the error on the camera.
    """
    errors: dict[str, tuple[str, Mapping[str, Any], str]] = {}
    for title, result in sorted(results, key=lambda one: one[1].get("crops") != "detect"):
        if result["kind"] != "accuracy" or "mae" not in result:
            continue
        note = f"error from {title}, {result['crops']} crops"
        sides = [("model", result)]
        if "against" in result:
            sides.append(("against", result["against_figures"]))
        for key, figures in sides:
            model = result[key]
            errors.setdefault(model["digest"], (_model_name(model), figures, note))
    return errors


def _with_error(row: Row, errors: Mapping[str, tuple[str, Mapping[str, Any], str]]) -> Row:
    if row.mae is not None or row.digest not in errors:
        return row
    _, figures, note = errors[row.digest]
    return _filled(row, figures, note)


def _filled(row: Row, figures: Mapping[str, Any], note: str | None) -> Row:
    low, high = figures["mae_ci95"]
    notes = row.notes + ((note,) if note else ())
    return replace(row, mae=figures["mae"], mae_ci95=(low, high), notes=notes)


def _model_name(model: Mapping[str, Any]) -> str:
    return f"{model['name']} {model['scheme']}"


def _time(row: Row, key: str) -> str:
    if key not in row.ms:
        return "–"
    value, interval = row.ms[key]
    return _spread(value, interval, 2) if key == "p50" else f"{value:.2f}"


def _spread(value: float, interval: Interval, digits: int) -> str:
    low, high = interval
    return f"{value:.{digits}f} ({low:.{digits}f} – {high:.{digits}f})"
