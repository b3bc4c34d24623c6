"""Names of models become names of files, and only of files in the bundle."""

from pathlib import Path

import pytest

from faceage_edge.errors import UsageError
from faceage_models.naming import check_name, name_of

NAMED = [
    ("age.keras", "age"),
    ("mobilenet_reg_0.5_64.h5", "mobilenet_reg_0.5_64"),
    ("age.float32.tflite", "age"),
    ("ages (2).tflite", "ages-2"),
    ("Ålder.keras", "lder"),
    ("年齢.keras", "age-model"),
    ("-x.keras", "x"),
    ("x" * 300, "x" * 100),
]


@pytest.mark.parametrize(("file", "name"), NAMED)
def test_name_of_a_file(file: str, name: str) -> None:
    """What a file name has that others may not is replaced; the result is always a valid name."""
    assert name_of(Path(file)) == name
    assert check_name(name) == name


def test_name_of_the_folder_one_is_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A SavedModel given as `.` has its folder's name."""
    (tmp_path / "saved").mkdir()
    monkeypatch.chdir(tmp_path / "saved")
    assert name_of(Path()) == "saved"


BAD = ["../../etc/passwd", "a/b", "", ".hidden", "a b", "x" * 101, "name\n", "mtcnn-onet"]


@pytest.mark.parametrize("name", BAD)
def test_bad_names(name: str) -> None:
    """A name that leaves the folder, cannot be typed, or is the detector's is refused."""
    with pytest.raises(UsageError, match="--name"):
        check_name(name)
