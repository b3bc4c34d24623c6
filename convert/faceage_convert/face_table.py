"""The faces that were measured on, one by one: what a user sorts to find what went wrong."""

import csv
from pathlib import Path

from faceage_calibration.labels import Label
from faceage_convert.age_result import AgeResult

__all__ = ["FACES", "write_faces"]

FACES = "faces.csv"
_HEAD = ("picture", "sha256", "label", "float", "converted", "delta")


def write_faces(path: Path, age: AgeResult) -> None:
    """Write a line a face: its picture's name and digest, its label, both ages in years and how far
    the conversion moved it; largest move first.

    Args:
        path: of the CSV file.
        age: a conversion that was measured.
    """
    moved = sorted(age.faces, key=lambda row: -abs(row.converted_years - row.float_years))
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(_HEAD)
        for row in moved:
            years = (row.float_years, row.converted_years, row.converted_years - row.float_years)
            table.writerow(
                [row.name, row.digest, _label(row.label), *[f"{value:.3f}" for value in years]]
            )


def _label(label: Label) -> str:
    if label.years is not None:
        return f"{label.years:g}"
    return "" if label.bin is None else str(label.bin)
