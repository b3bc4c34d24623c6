"""What the mean absolute error did from one result file to another, on the same faces."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from faceage_benchmarks.age_figures import outside_years
from faceage_benchmarks.errors import ResultFileError
from faceage_calibration.stats import mean_interval

__all__ = ["change_figures", "change_samples", "paired_change", "sentences"]

# Thousandths of a year, as the ages themselves stand in their files.
_DECIMALS = 3


def change_samples(results: Sequence[tuple[str, Mapping[str, Any]]]) -> dict[str, Any]:
    """Take the change of the error from the first accuracy result to each other, face by face.

    Args:
        results: path and result; those that are no accuracy results are passed over.

    Returns:
        `changes`: objects with `file`, `against`, `n` and `years`, the error in the file minus
        that in the other, in the order of the faces; None where the faces are not the same.

    Raises:
        ResultFileError: the same faces with different labels.
    """
    ages = [(Path(path).stem, result) for path, result in results if result["kind"] == "accuracy"]
    return {
        "changes": [
            {
                "file": name,
                "against": ages[0][0],
                "n": result["n"],
                "years": _change(ages[0][1], result),
            }
            for name, result in ages[1:]
        ]
    }


def change_figures(samples: Mapping[str, Any], bootstrap: Mapping[str, Any]) -> dict[str, Any]:
    """Return the figures of a compare result.

    Args:
        samples: from change_samples.
        bootstrap: from result.bootstrap_settings.

    Returns:
        `changes`: objects with `file`, `against`, `n`, `mean` (years) and `ci95`; the last two
        None where the two did not measure the same faces.
    """
    drawing = {key: bootstrap[key] for key in ("seed", "resamples", "confidence")}
    changes = []
    for change in samples["changes"]:
        row = {key: change[key] for key in ("file", "against", "n")}
        years = change["years"]
        mean = None if years is None else float(np.mean(years))
        ci95 = None if years is None else list(mean_interval(years, **drawing))
        changes.append(row | {"mean": mean, "ci95": ci95})
    return {"changes": changes}


def sentences(changes: Sequence[Mapping[str, Any]]) -> str:
    """Say the changes of change_figures in words, a line each."""
    return "".join(f"{_sentence(change)}\n" for change in changes)


def _sentence(change: Mapping[str, Any]) -> str:
    pair = f"{change['file']} against {change['against']}"
    if change["mean"] is None:
        return f"{pair}: other faces, so no paired difference."
    low, high = change["ci95"]
    return (
        f"{pair}, same {change['n']} faces, whole pipelines: "
        f"error {change['mean']:+.3f} years [{low:+.3f}, {high:+.3f}]."
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
    samples = change_samples([("first", first), ("second", second)])
    (change,) = change_figures(samples, first["bootstrap"])["changes"]
    return None if change["mean"] is None else (change["mean"], tuple(change["ci95"]))


def _change(first: Mapping[str, Any], second: Mapping[str, Any]) -> list[float] | None:
    ours, theirs = first["samples"], second["samples"]
    # Digests repeat where a set holds a picture twice, so the order must agree as well.
    if ours["faces"] != theirs["faces"]:
        return None
    if ours["true"] != theirs["true"]:
        raise ResultFileError(
            "the two files hold the same faces with different ages; measure both with one set"
        )
    return [round(float(years), _DECIMALS) for years in _errors(theirs) - _errors(ours)]


def _errors(samples: Mapping[str, Any]) -> np.ndarray[Any, np.dtype[np.float64]]:
    predicted = np.asarray(samples["predicted"], dtype=np.float64)
    if samples["unit"] == "bins":
        return outside_years(samples["true"], predicted)
    return np.abs(predicted - np.asarray(samples["true"], dtype=np.float64))
