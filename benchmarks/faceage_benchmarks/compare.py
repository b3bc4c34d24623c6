"""Result files side by side."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from faceage_benchmarks.age_figures import outside_years
from faceage_benchmarks.errors import ResultFileError
from faceage_benchmarks.result import read_result
from faceage_benchmarks.tables import table_of
from faceage_calibration.stats import mean_interval

__all__ = ["Change", "compare_files", "paired_change"]


@dataclass(frozen=True)
class Change:
    """What the mean absolute error did from one accuracy file to another, in years.

    `mean` and `ci95` are None where the two did not measure the same `n` faces.
    """

    file: str
    against: str
    n: int
    mean: float | None
    ci95: tuple[float, float] | None


def compare_files(paths: Sequence[str]) -> tuple[str, list[Change]]:
    """Put result files side by side.

    Args:
        paths: two or more files of one kind; accuracy files of the same faces are also compared
            face by face with the first, which measures whole pipeline against whole pipeline.

    Returns:
        A Markdown table with a line for each change, and the changes.

    Raises:
        ResultFileError: a file that is no result, or files of different kinds.
    """
    results = [(path, read_result(path)) for path in paths]
    text = table_of([(Path(path).stem, result) for path, result in results])
    changes = _changes(results)
    if changes:
        text += "\n" + "".join(f"{_sentence(change)}\n" for change in changes)
    return text, changes


def _changes(results: Sequence[tuple[str, Mapping[str, Any]]]) -> list[Change]:
    first_path, first = results[0]
    if first["kind"] != "accuracy":
        return []
    changes = []
    for path, result in results[1:]:
        mean, ci95 = paired_change(first, result) or (None, None)
        changes.append(Change(Path(path).stem, Path(first_path).stem, result["n"], mean, ci95))
    return changes


def _sentence(change: Change) -> str:
    pair = f"{change.file} against {change.against}"
    if change.mean is None or change.ci95 is None:
        return f"{pair}: other faces, so no paired difference."
    low, high = change.ci95
    return (
        f"{pair}, same {change.n} faces, whole pipelines: "
        f"error {change.mean:+.3f} years [{low:+.3f}, {high:+.3f}]."
    )


def paired_change(
    first: Mapping[str, Any], second: Mapping[str, Any]
) -> tuple[float, tuple[float, float]] | None:
    """Return the mean change of the absolute error from the first result to the second.

    Args:
        first: an accuracy result.
        second: another; its error minus the first's is taken face by face.

    Returns:
        The mean in years and its interval; None when the two did not measure the same faces.

    Raises:
        ResultFileError: the same faces with different labels.
    """
    ours, theirs = first["samples"], second["samples"]
    # Digests repeat where a set holds a picture twice, so the order must agree as well.
    if ours["faces"] != theirs["faces"]:
        return None
    if ours["true"] != theirs["true"]:
        raise ResultFileError(
            "the two files hold the same faces with different ages; measure both with one set"
        )
    change = _errors(theirs) - _errors(ours)
    settings = first["bootstrap"]
    interval = mean_interval(
        change,
        seed=settings["seed"],
        resamples=settings["resamples"],
        confidence=settings["confidence"],
    )
    return float(change.mean()), (interval.low, interval.high)


def _errors(samples: Mapping[str, Any]) -> np.ndarray[Any, np.dtype[np.float64]]:
    predicted = np.asarray(samples["predicted"], dtype=np.float64)
    if samples["unit"] == "bins":
        return outside_years(samples["true"], predicted)
    return np.abs(predicted - np.asarray(samples["true"], dtype=np.float64))
