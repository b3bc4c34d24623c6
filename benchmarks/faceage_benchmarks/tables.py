"""Results as Markdown tables: a row a figure, a column a model."""

from collections.abc import Mapping, Sequence
from typing import Any

from faceage_benchmarks.errors import ResultFileError
from faceage_benchmarks.grid import Grid, markdown_grid
from faceage_benchmarks.long_run_tables import (
    endurance_columns,
    freshness_columns,
    fuzz_columns,
    loop_cost_columns,
)
from faceage_benchmarks.merged import notes_of
from faceage_benchmarks.run_tables import (
    conversion_columns,
    footprint_columns,
    loop_columns,
    peer_columns,
)

__all__ = ["Column", "columns_of", "grid_of", "markdown", "table_of"]

Column = tuple[str, dict[str, str]]


def table_of(results: Sequence[tuple[str, Mapping[str, Any]]]) -> str:
    """Return one Markdown table of results of one kind.

    Args:
        results: title and result; a result with a second model fills two columns.

    Raises:
        ResultFileError: different kinds, or a kind this version knows no table for.
    """
    kinds = sorted({result["kind"] for _, result in results})
    if len(kinds) != 1:
        raise ResultFileError(
            f"results of different kinds do not compare: found {' and '.join(kinds)}; "
            "give files of one kind"
        )
    return markdown([column for title, result in results for column in columns_of(title, result)])


def columns_of(title: str, result: Mapping[str, Any]) -> list[Column]:
    """Return the columns of one result: title and cells by row name.

    Raises:
        ResultFileError: a kind this version knows no table for.
    """
    if result["kind"] not in _COLUMNS:
        raise ResultFileError(f"this version has no table for results of kind {result['kind']!r}")
    columns = _COLUMNS[result["kind"]](title, result)
    notes = "; ".join(notes_of(result))
    return [(name, cells | ({"notes": notes} if notes else {})) for name, cells in columns]


def markdown(columns: Sequence[Column]) -> str:
    """Return a Markdown table.

    Args:
        columns: title and cells by row name; rows stand in the order they first appear, a cell
            that a column lacks is a dash.
    """
    return markdown_grid(grid_of(columns))


def grid_of(columns: Sequence[Column]) -> Grid:
    """Return the columns as the rows of a table; see `markdown`."""
    rows = list(dict.fromkeys(name for _, cells in columns for name in cells))
    lines = [["", *(title for title, _ in columns)]]
    return lines + [[name, *(cells.get(name, "–") for _, cells in columns)] for name in rows]


def _accuracy_columns(title: str, result: Mapping[str, Any]) -> list[Column]:
    shared = {
        "crops": str(result["crops"]),
        "n": str(result["n"]),
        "missed": f"{result['missed']} ({100 * result['missed_share']:.2f} %)",
    }
    ours = _model_cells(result["model"]) | shared | _age_cells(result) | _delta_cells(result)
    columns = [(title, ours)]
    if "against" in result:
        theirs = _model_cells(result["against"]) | shared | _age_cells(result["against_figures"])
        columns.append((f"{title} (against)", theirs))
    return columns


def _age_cells(figures: Mapping[str, Any]) -> dict[str, str]:
    if "outside_bin" in figures:
        cells = {
            "years outside the bin": _with_interval(figures, "outside_bin"),
            "in the bin": _percent(figures["bin_accuracy"]),
        }
        return cells | {
            f"outside {band['bin']}": f"{band['outside_bin']:.2f} (n {band['n']})"
            for band in figures["per_bin"]
        }
    cells = {
        "MAE, years": _with_interval(figures, "mae"),
        "MAE of found faces": _number(figures["mae_found"]),
        "signed error": f"{figures['signed_error']:+.3f}",
        "RMSE": _number(figures["rmse"]),
        "within 5 years": _percent(figures["cs5"]),
    }
    if "interval_coverage" in figures:
        cells["interval holds"] = _percent(figures["interval_coverage"])
        cells["interval width"] = _number(figures["interval_width"])
    return cells | {
        f"MAE {band['band']}": f"{band['mae']:.2f} (n {band['n']})"
        for band in figures["per_decade"]
    }


def _delta_cells(result: Mapping[str, Any]) -> dict[str, str]:
    cells = {}
    for key, label in (("delta_mae", "ΔMAE, same crops"), ("delta_outside_bin", "Δ, same crops")):
        if key in result:
            cells[label] = _with_interval(result, key, sign="+")
    if "max_abs_difference" in result:
        cells["largest difference"] = _number(result["max_abs_difference"])
    return cells


def _latency_columns(title: str, result: Mapping[str, Any]) -> list[Column]:
    ours = _model_cells(result["model"]) | _timing_cells(result)
    ours |= {"cold start, ms": _cold(result["cold_start"]), "machine": _machine(result)}
    if "ratio" in result:
        ours["ratio"] = _with_interval(result, "ratio")
    accuracy = result.get("accuracy", {})
    ours |= _error_beside(accuracy)
    columns = [(title, ours)]
    if "against" in result:
        theirs = _model_cells(result["against"]) | _timing_cells(result["against_figures"])
        theirs |= _error_beside(accuracy.get("against_figures", {}))
        theirs |= {"cold start, ms": _cold(result["against_cold_start"])}
        columns.append((f"{title} (against)", theirs | {"machine": _machine(result)}))
    return columns


def _timing_cells(figures: Mapping[str, Any]) -> dict[str, str]:
    quantiles = ("p50_ms", "p90_ms", "p99_ms")
    return {"runs": str(figures["n"])} | {
        key.replace("_", ", "): _with_interval(figures, key) for key in quantiles
    }


def _error_beside(figures: Mapping[str, Any]) -> dict[str, str]:
    """Return the error of the code that was timed; a speed without one says so."""
    for key, name in (("mae", "MAE, years"), ("outside_bin", "years outside the bin")):
        if key in figures:
            return {name: _with_interval(figures, key)}
    return {"MAE, years": "not measured beside (--faces)"}


def _detection_columns(title: str, result: Mapping[str, Any]) -> list[Column]:
    columns = []
    for detector in result["detectors"]:
        distance = detector.get("landmark_distance")
        columns.append(
            (
                f"{title}: {detector['name']}",
                {
                    "faces found": f"{detector['found']} of {result['n']}",
                    "recall": _with_interval(detector, "recall"),
                    "false boxes": str(detector["false_boxes"]),
                    "ms a photo, p50": _number(detector["p50_ms"]),
                    f"landmarks from {detector['landmark_reference']}": _number(distance),
                },
            )
        )
    return columns


def _arm_columns(title: str, result: Mapping[str, Any]) -> list[Column]:
    columns = []
    for processor, named in result["processors"].items():
        cells = {f"{name}, million instructions": _cost(cost) for name, cost in named.items()}
        cells["int8 outputs equal the host's"] = "yes" if result["equals_host"] else "NO"
        columns.append((f"{title}: {processor}", cells))
    return columns


def _threshold_columns(title: str, result: Mapping[str, Any]) -> list[Column]:
    threshold, challenge = result["threshold"], result["challenge"]
    cells = _model_cells(result["model"]) | {
        f"faces under {threshold}": str(result["n_under"]),
        f"of these pass at {challenge}": _share(result["false_accept"]),
        f"faces from {threshold} on": str(result["n_over"]),
        "of these are asked": _share(result["asked"]),
        f"asked from {challenge} on": _share(result["asked_above"]),
    }
    for band in result["false_accept_near"]:
        cells[f"pass at {challenge}, aged {band['from']} to {band['to']}"] = _share(band)
    cells["Brier score"] = _with_interval(result, "brier")
    cells["Brier score, not calibrated"] = _with_interval(result, "brier_raw")
    return [(title, cells)]


def _share(part: Mapping[str, Any]) -> str:
    if not part["n"]:
        return "–"
    low, high = part["ci95"]
    return f"{_percent(part['share'])} [{100 * low:.1f}, {100 * high:.1f}] (n {part['n']})"


def _cost(cost: Mapping[str, Any]) -> str:
    more = [f"{_percent(cost['dot_share'])} dot products"]
    if "times_floor" in cost:
        more.append(f"{cost['times_floor']:.2f} × multiply-adds/16")
    if "of_float" in cost:
        more.append(f"{cost['of_float']:.2f} of float's")
    return f"{cost['instructions'] / 1e6:.2f} ({', '.join(more)})"


def _model_cells(model: Mapping[str, Any]) -> dict[str, str]:
    return {
        "model": str(model["name"]),
        "scheme": str(model["scheme"]),
        "digest": str(model["digest"])[:12],
        "bytes": f"{model['bytes']:,}",
    }


def _machine(result: Mapping[str, Any]) -> str:
    machine = result["machine"]
    return f"{machine['model'] or machine['architecture']}, {result['threads']} thread(s)"


def _cold(start: Mapping[str, Any]) -> str:
    return f"{start['load_ms']:.1f} + {start['first_run_ms']:.1f}"


def _with_interval(figures: Mapping[str, Any], key: str, sign: str = "") -> str:
    low, high = figures[f"{key}_ci95"]
    return f"{figures[key]:{sign}.3f} [{low:{sign}.3f}, {high:{sign}.3f}]"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


_COLUMNS = {
    "accuracy": _accuracy_columns,
    "latency": _latency_columns,
    "threshold": _threshold_columns,
    "detection": _detection_columns,
    "arm": _arm_columns,
    "convert": conversion_columns,
    "footprint": footprint_columns,
    "loop": loop_columns,
    "loop-cost": loop_cost_columns,
    "freshness": freshness_columns,
    "endurance": endurance_columns,
    "fuzz": fuzz_columns,
    "peers": peer_columns,
}
