"""Tables of what the camera loop costs and stands, and of what the readers of files stand."""

from collections.abc import Mapping
from typing import Any

from faceage_benchmarks.grid import spread

__all__ = ["endurance_columns", "freshness_columns", "fuzz_columns", "loop_cost_columns"]

Column = tuple[str, dict[str, str]]


def loop_cost_columns(title: str, result: Mapping[str, Any]) -> list[Column]:
    """Return a loop-cost result's columns, one a scene and one for the films."""
    columns = []
    for scene, figures in result["scenes"].items():
        cells = {
            f"{name}, CPU ms a frame": spread(value, figures["cpu_ms_a_frame_ci95"][name], ".2f")
            for name, value in figures["cpu_ms_a_frame"].items()
        }
        for name, share in figures["share_of_yunet"].items():
            low, high = figures["share_of_yunet_ci95"][name]
            cells[f"{name} / YuNet"] = spread(100 * share, (100 * low, 100 * high), ".1f") + " %"
        columns.append((f"{title}: {scene}", cells))
    films = {}
    for film, loops in result["clips"].items():
        for name, figures in loops.items():
            apart, last = figures["most_apart"], figures["most_last_apart"]
            years = "–" if apart is None else f"{apart:.1f} years apart, {last:.1f} in the end"
            films[f"{film}, {name}"] = f"{figures['found']} of {figures['faces']} faces, {years}"
    return columns + ([(f"{title}: films", films)] if films else [])


def freshness_columns(title: str, result: Mapping[str, Any]) -> list[Column]:
    """Return a freshness result's column."""
    cells = {
        "model, ms": f"{result['model_ms']:g}",
        "camera, frames a second": f"{result['camera_fps']:g}",
        "results": str(result["n"]),
        "frames dropped": f"{result['drops']} of {result['frames_delivered']}",
        "frames unaccounted for": str(result["unaccounted"]),
    }
    for name in ("p50", "p90", "p99"):
        key = f"{name}_ms"
        cells[f"capture to result, {name}, ms"] = spread(result[key], result[f"{key}_ci95"], ".1f")
    for name in ("p50", "p90", "p99"):
        key = f"waited_{name}_intervals"
        cells[f"waited, {name}, frames"] = spread(result[key], result[f"{key}_ci95"], ".2f")
    return [(title, cells)]


def endurance_columns(title: str, result: Mapping[str, Any]) -> list[Column]:
    """Return an endurance result's column."""
    cells = {
        "frames": f"{result['frames']:,} of {result['frames_fed']:,}",
        "minutes": f"{result['seconds'] / 60:.1f}",
        "faults": str(result["faults"]),
        "restarts": str(result["restarts"]),
        "longest gap, s": f"{result['longest_gap_s']:.1f}",
    }
    for name, gap in result["longest_gap_after_s"].items():
        cells[f"after {name}, s"] = f"{gap:.1f}"
    for key, label in (("rss_mb", "resident set, MB"), ("descriptors", "descriptors")):
        course = result[key]
        cells[f"{label}, start, end, most"] = (
            f"{course['start']:.1f}, {course['end']:.1f}, {course['most']:g}"
        )
    return [(title, cells)]


def fuzz_columns(title: str, result: Mapping[str, Any]) -> list[Column]:
    """Return a fuzz result's column."""
    cells = {
        "target": str(result["target"]),
        "engine": str(result["engine"]),
        "executions": f"{result['executions']:,}",
        "seconds": f"{result['seconds']:,.0f}",
        "edges reached": "–" if result["edges"] is None else f"{result['edges']:,}",
        "findings": str(result["findings"]),
    }
    return [(title, cells)]
