"""Files of `faceage-calibrate shape`."""

from pathlib import Path

import pytest

from faceage_calibration.ranges import Calibration
from faceage_calibration.shape_file import Shape, read_shape, write_shape
from faceage_edge.errors import ModelFileError
from faceage_edge.interval import IntervalShape

SHAPE = Shape(
    "age-of-mine",
    ((0.0, 0.0), (60.0, 60.0), (100.0, 109.2)),
    IntervalShape((10.0, 40.0), (2.0, 8.0), (4.0, 6.0)),
    Calibration(300, "d" * 64, ()),
)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    """Every field comes back."""
    write_shape(tmp_path / "s.json", SHAPE)
    assert read_shape(tmp_path / "s.json") == SHAPE


BROKEN = [
    ("{", "no shape file", "not JSON"),
    ("[]", "expected a JSON object", "a list"),
    ('{"format": 2}', "'format' is 2", "a later format"),
    ('{"format": 1}', "'calibration' is missing", "nothing but a format"),
]


@pytest.mark.parametrize(("text", "message", "note"), BROKEN)
def test_files_that_are_none(text: str, message: str, note: str, tmp_path: Path) -> None:
    """They are refused with what to do."""
    path = tmp_path / "s.json"
    path.write_text(text)
    with pytest.raises(ModelFileError, match=message) as caught:
        read_shape(path)
    assert "faceage-calibrate shape" in str(caught.value)


def test_a_missing_file(tmp_path: Path) -> None:
    """It is named."""
    with pytest.raises(ModelFileError, match="cannot read the shape"):
        read_shape(tmp_path / "none.json")
