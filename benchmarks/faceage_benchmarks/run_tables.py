"""Tables of what is measured from outside: the loop, conversions, installations, peers."""

from collections.abc import Mapping
from typing import Any

from faceage_benchmarks.grid import spread

__all__ = ["conversion_columns", "footprint_columns", "loop_columns", "peer_columns"]

Column = tuple[str, dict[str, str]]
_MB = 1e6


def loop_columns(title: str, result: Mapping[str, Any]) -> list[Column]:
    """Return a loop result's column."""
    cells = {
        "source": str(result["source"]),
        "frames a second": f"{result['fps']:.2f} of {result['rate_seen']:.2f}",
        "frames dropped": f"{result['drops']} ({100 * result['drop_share']:.1f} %)",
    }
    for key in ("p50_ms", "p90_ms", "p99_ms"):
        name = f"capture to result, {key.removesuffix('_ms')}, ms"
        cells[name] = spread(result[key], result[f"{key}_ci95"], ".1f")
    minutes = result["minutes"]
    cells["CPU seconds a minute"] = ", ".join(f"{one['cpu_s']:.1f}" for one in minutes)
    cells["resident set, MB, by minute"] = ", ".join(
        f"{one['rss_bytes'] / _MB:.0f}" for one in minutes
    )
    cells["start to first result, s"] = f"{result['first_result_s']:.2f}"
    cells["machine"] = str(result["machine"]["model"] or result["machine"]["architecture"])
    return [(title, cells)]


def conversion_columns(title: str, result: Mapping[str, Any]) -> list[Column]:
    """Return a convert result's column."""
    cells = {
        "seconds": spread(result["seconds"], result["seconds_ci95"], ".2f"),
        "the first, seconds": f"{result['first_seconds']:.2f}",
        "conversions": str(result["n"]),
        "most memory, MB": f"{result['max_rss_bytes'] / _MB:.0f}",
    }
    for file in result["files"]:
        cells[file["file"]] = (
            f"{file['size_bytes'] / 1000:,.0f} of {file['source_size_bytes'] / 1000:,.0f} kB"
        )
    return [(title, cells)]


def footprint_columns(title: str, result: Mapping[str, Any]) -> list[Column]:
    """Return a footprint result's column."""
    cells = {
        f"installed, {name}": f"{one['total_bytes'] / _MB:,.0f} MB"
        for name, one in result["sets"].items()
    }
    return [(title, cells)]


def peer_columns(title: str, result: Mapping[str, Any]) -> list[Column]:
    """Return a peers result's columns, one a pipeline or model."""
    columns = []
    for peer in result["peers"]:
        cells = {"what": peer["what"]}
        if "p50_ms" in peer:
            cells["a frame, ms, p50"] = spread(peer["p50_ms"], peer["p50_ms_ci95"], ".1f")
            cells["time / the first's"] = spread(peer["ratio"], peer["ratio_ci95"], ".2f")
        if "faces_per_frame" in peer:
            cells["faces a frame"] = f"{peer['faces_per_frame']:.2f}"
        if "mae" in peer:
            cells["MAE, years"] = spread(peer["mae"], peer["mae_ci95"], ".2f")
            cells["MAE − the first's"] = spread(peer["delta_mae"], peer["delta_mae_ci95"], "+.2f")
        columns.append((f"{title}: {peer['name']}", cells))
    return columns
