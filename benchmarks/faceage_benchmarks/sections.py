"""What a report says of some result files: headings, words and tables, a section a question."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from faceage_benchmarks.boards import missing_boards, missing_grid
from faceage_benchmarks.compare import change_figures, change_samples
from faceage_benchmarks.grid import Grid
from faceage_benchmarks.merged import Row, machine_name, merged_grid, notes_of
from faceage_benchmarks.tables import columns_of, grid_of
from faceage_calibration.stats import CONFIDENCE, RESAMPLES

__all__ = ["Section", "sections_of"]

Named = Sequence[tuple[str, Mapping[str, Any]]]
_MOST_COLUMNS = 6
_INT8_ON_X86 = (
    "Whether int8 is faster than float depends on the processor: an x86-64 one without 8-bit dot "
    "products (VNNI) widens every product to 16 bits and is often slower than in float, one with "
    "them is faster. A ratio measured here says nothing about a Raspberry Pi; executed ARM "
    "instructions do."
)


@dataclass(frozen=True)
class Section:
    """A part of the page; `plots` names the plots that stand below its table."""

    title: str
    grid: Grid
    words: str = ""
    plots: tuple[str, ...] = ()


def sections_of(results: Named, rows: Sequence[Row]) -> list[Section]:
    """Return the sections of a page, those that have something to say.

    Args:
        results: title and result, of any kinds.
        rows: from merged.merge.
    """
    sections = []
    if rows:
        plots = ("latency-against-error", "latency-distribution")
        sections.append(Section("Time and error", merged_grid(rows), _INT8_ON_X86, plots))
    cost = _cost_grid(results)
    if len(cost) > 1:
        words = "Two questions: what int8 does to the same crop, and to all that a user gets."
        sections.append(Section("What int8 costs in years", cost, words, ("error-by-age",)))
    for kind, title in _BY_KIND.items():
        of_kind = [(name, one) for name, one in results if one["kind"] == kind]
        if of_kind:
            columns = [column for name, one in of_kind for column in columns_of(name, one)]
            sections.append(Section(title, _upright(grid_of(columns))))
    sections.append(Section("Not measured", missing_grid(missing_boards(results))))
    sections.append(Section("Files", _files_grid(results)))
    return [section for section in sections if len(section.grid) > 1]


_BY_KIND = {
    "accuracy": "Ages",
    "latency": "Times",
    "loop": "The camera loop",
    "loop-cost": "CPU time of the camera loop",
    "freshness": "How old results are",
    "endurance": "Staying up",
    "arm": "Executed instructions on ARM",
    "detection": "Finding faces",
    "peers": "Beside other detectors and models",
    "convert": "Conversion",
    "footprint": "Installed size",
    "fuzz": "Spoiled files",
}


def _upright(grid: Grid) -> Grid:
    """Turn a table of many columns on its side: a page scrolls down better than right."""
    if len(grid[0]) <= _MOST_COLUMNS + 1:
        return grid
    return [list(column) for column in zip(*grid, strict=True)]


def _cost_grid(results: Named) -> Grid:
    """Return int8 against float on identical crops and, apart, pipeline against pipeline."""
    grid = [["what is compared", "faces", "error, years (95 %)", "against", "change (95 %)"]]
    for title, one in results:
        if one["kind"] == "accuracy" and "delta_mae" in one:
            theirs = one["against_figures"]
            grid.append(
                [
                    f"identical crops ({title}, {one['crops']}): {_sides(one)}",
                    f"{one['n']:,}",
                    _spread(one["mae"], one["mae_ci95"]),
                    _spread(theirs["mae"], theirs["mae_ci95"]),
                    _spread(one["delta_mae"], one["delta_mae_ci95"], "+.3f"),
                ]
            )
    return grid + _pipelines(results)


def _pipelines(results: Named) -> Grid:
    """Compare files of the same faces cut by different detectors: the whole pipelines."""
    ages = [pair for pair in results if pair[1]["kind"] == "accuracy" and "mae" in pair[1]]
    drawing = {"seed": 0, "resamples": RESAMPLES, "confidence": CONFIDENCE}
    grid = []
    # Float first: the change is then that of int8, as with identical crops.
    ages.sort(key=lambda pair: not pair[1]["model"]["scheme"].startswith("float"))
    for number, (title, one) in enumerate(ages):
        for other_title, other in ages[number + 1 :]:
            if not _other_pipeline(one, other):
                continue
            samples = change_samples([(title, one), (other_title, other)])
            (change,) = change_figures(samples, drawing)["changes"]
            if change["mean"] is not None:
                grid.append(
                    [
                        f"whole pipelines: {other_title} against {title}",
                        f"{one['n']:,}",
                        _spread(other["mae"], other["mae_ci95"]),
                        _spread(one["mae"], one["mae_ci95"]),
                        _spread(change["mean"], change["ci95"], "+.3f"),
                    ]
                )
    return grid


def _other_pipeline(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    detectors = [(side.get("detector") or {}).get("digest") for side in (one, other)]
    names = [side["model"]["name"] for side in (one, other)]
    return None not in detectors and detectors[0] != detectors[1] and names[0] == names[1]


def _sides(result: Mapping[str, Any]) -> str:
    return f"{result['model']['scheme']} against {result['against']['scheme']}"


def _files_grid(results: Named) -> Grid:
    grid = [["file", "kind", "measured", "on", "notes", "command"]]
    for title, one in results:
        notes = "; ".join(notes_of(one))
        command = " ".join(one["command"])
        grid.append([title, one["kind"], one["created"], machine_name(one), notes, command])
    return grid


def _spread(value: float, interval: Sequence[float], form: str = ".2f") -> str:
    return f"{value:{form}} ({interval[0]:{form}} – {interval[1]:{form}})"
