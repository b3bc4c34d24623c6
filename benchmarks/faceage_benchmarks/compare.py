"""Result files side by side."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from faceage_benchmarks.age_figures import outside_years
from faceage_benchmarks.errors import ResultFileError
from faceage_benchmarks.result import read_result
from faceage_benchmarks.tables import table_of
from faceage_calibration.stats import mean_interval

__all__ = ["compare_files", "paired_change"]


def compare_files(paths: Sequence[str]) -> str:
    """Return a Markdown table of result files, and what changed where the same faces stand in two.

    Args:
        paths: two or more files of one kind; accuracy files of the same faces are also compared
            face by face with the first, which measures whole pipeline against whole pipeline.

    Raises:
        ResultFileError: a file that is no result, or files of different kinds.
    """
    results = [(path, read_result(path)) for path in paths]
    text = table_of([(Path(path).stem, result) for path, result in results])
    first_path, first = results[0]
    if first["kind"] != "accuracy":
        return text
    notes = []
    for path, result in results[1:]:
        change = paired_change(first, result)
        pair = f"{Path(path).stem} against {Path(first_path).stem}"
        if change is None:
            notes.append(f"{pair}: other faces, so no paired difference.")
            continue
        mean, (low, high) = change
        notes.append(
            f"{pair}, same {result['n']} faces, whole pipelines: "
            f"error {mean:+.3f} years [{low:+.3f}, {high:+.3f}]."
        )
    return text + "\n" + "\n".join(notes) + "\n"


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
