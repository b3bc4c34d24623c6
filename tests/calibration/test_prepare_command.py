"""`faceage-calibrate prepare`, from photos to a labelled set."""

import csv
import re
from collections.abc import Callable, Mapping
from pathlib import Path

import cv2
import numpy as np
import pytest

from faceage_calibration import prepare_command
from faceage_calibration.cli import main
from faceage_calibration.crops import FaceCropper, crop_all
from faceage_calibration.faces import read_faces
from faceage_calibration.labels import AgeBin, Label
from faceage_edge.age import load_age_model
from faceage_edge.bundles import find
from faceage_edge.detector import load_detector

Frame = np.ndarray
Write = Callable[[Mapping[str, bytes]], Path]
Pictures = Callable[..., dict[str, bytes]]
Said = pytest.CaptureFixture[str]

# As UTKFace names its pictures: 36 years, female, White, a date.
NAME = "36_1_0_19930706000000000.png"


@pytest.fixture
def portrait(astronaut: Frame) -> bytes:
    """A photo with one face, as a PNG file."""
    return cv2.imencode(".png", astronaut)[1].tobytes()


@pytest.fixture
def pair(astronaut: Frame) -> bytes:
    """A photo with two faces, the second one 512 pixels to the right."""
    return cv2.imencode(".png", np.concatenate([astronaut, astronaut], axis=1))[1].tobytes()


@pytest.fixture
def empty() -> bytes:
    """A photo without a face."""
    return cv2.imencode(".png", np.full((120, 160, 3), 90, np.uint8))[1].tobytes()


def _prepare(photos: Path, out: Path, *more: str) -> int:
    return main(["prepare", "--photos", str(photos), "--out", str(out), *more])


def test_labels_in_names(
    write_folder: Write, portrait: bytes, tmp_path: Path, capsys: Said
) -> None:
    """A photo named as in UTKFace becomes a face of a set that is read with all of its label."""
    out = tmp_path / "faces"
    assert _prepare(write_folder({NAME: portrait}), out) == 0
    assert capsys.readouterr().out == f"{out}: 1 faces from 1 photos\n"
    faces = read_faces(out)
    assert [face.name for face in faces.faces] == ["000001_36_female.jpg"]
    assert faces.faces[0].label == Label(36.0, gender="female", ethnicity="White")
    assert faces.alignment == "prepared"
    assert read_faces(out, names="id-age-gender").alignment == "prepared"


def test_both_ways_to_crop_give_one_face(
    write_folder: Write, portrait: bytes, tmp_path: Path
) -> None:
    """What the set's alignment cuts is what the detector cuts, up to how she tilts her head."""
    out = tmp_path / "faces"
    _prepare(write_folder({NAME: portrait}), out)
    model = load_age_model(find("age-mobilenet-coral/age-mobilenet-coral.int8.tflite"))
    assert model.template is not None
    faces = read_faces(out)
    aligned, _ = crop_all(faces, FaceCropper(model.template))
    detect = FaceCropper(model.template, mode="detect", detector=load_detector())
    detected, found = crop_all(faces, detect)
    assert found.all()
    both = [crops[0].astype(float).ravel() for crops in (aligned, detected)]
    assert np.corrcoef(*both)[0, 1] > 0.8


def test_labels_in_a_table(
    write_folder: Write,
    portrait: bytes,
    pair: bytes,
    empty: bytes,
    tmp_path: Path,
    capsys: Said,
) -> None:
    """Boxes tell faces apart; every photo that gives none is named with the reason and counted."""
    photos = write_folder(
        {
            "alone.png": portrait,
            "both.png": pair,
            "crowd.png": pair,
            "wall.png": empty,
            "missing-row.png": empty,
            "notes.txt": b"kept beside",
            "broken.jpg": b"\xff\xd8\xff\xe0" + bytes(30),
        }
    )
    table = tmp_path / "labels.csv"
    table.write_text(
        "file,age,gender,ethnicity,box\n"
        "both.png,20-29,m,Asian,690 60 90 120\n"
        'both.png,31.5,,,"180,60,90,120"\n'
        "both.png,33,f,,182 62 88 118\n"
        "alone.png,36,f,White,\n"
        "alone.png,37,f,White,400 300 90 90\n"
        "crowd.png,40,m,,\nwall.png,50,m,,\nbroken.jpg,1,m,,\ngone.png,5,f,,\n"
    )
    out = tmp_path / "faces"
    assert _prepare(photos, out, "--labels", str(table)) == 0
    said = capsys.readouterr()
    assert said.out == (
        f"{out}: 3 faces from 6 photos; 7 left out "
        "(2 no face, 1 no label, 1 no photo, 1 no picture, 1 same face, 1 several faces)\n"
    )
    left_out = [line for line in said.err.splitlines() if line.startswith("left out: ")]
    assert len(left_out) == 7
    for part in (
        "alone.png: no face (in its box)",
        "both.png: same face",
        "crowd.png: several faces (2, and no box says which)",
        "wall.png: no face",
        "missing-row.png: no label",
        "gone.png: no photo",
        "broken.jpg: no picture (broken.jpg is a ",
    ):
        assert any(part in line for line in left_out), part
    faces = read_faces(out)
    assert {face.name: face.label for face in faces.faces} == {
        "000001_36_female.jpg": Label(36.0, None, "female", "White"),
        "000002_31_unknown.jpg": Label(31.5),
        "000003_20-29_male.jpg": Label(None, AgeBin(20, 30), "male", "Asian"),
    }


def test_the_table_says_where_a_face_lay(write_folder: Write, pair: bytes, tmp_path: Path) -> None:
    """The origin of each face is in labels.csv, in pixels of its photo."""
    photos = write_folder(
        {"both.png": pair, "labels.csv": b"file,age,box\nboth.png,36,690 60 90 120\n"}
    )
    assert _prepare(photos, tmp_path / "faces") == 0
    rows = list(csv.DictReader((tmp_path / "faces" / "labels.csv").read_text().splitlines()))
    assert [row["photo"] for row in rows] == ["both.png"]
    left, side = int(rows[0]["left"]), int(rows[0]["side"])
    assert left < 690 < 780 < left + side


def test_an_archive_repeats(write_folder: Write, portrait: bytes, tmp_path: Path) -> None:
    """The same photos give the same bytes, and the archive is the folder's set."""
    photos = write_folder({NAME: portrait})
    for name in ("a.tar", "b.tar", "faces"):
        assert _prepare(photos, tmp_path / name) == 0
    assert (tmp_path / "a.tar").read_bytes() == (tmp_path / "b.tar").read_bytes()
    assert read_faces(tmp_path / "a.tar").digest == read_faces(tmp_path / "faces").digest


def test_nothing_to_write(
    write_folder: Write, empty: bytes, portrait: bytes, tmp_path: Path, capsys: Said
) -> None:
    """Without any face the command fails, says why for each photo, and writes nothing."""
    photos = write_folder({NAME: empty, "holiday.png": portrait})
    for name in ("faces", "faces.tar"):
        assert _prepare(photos, tmp_path / name) == 1
        said = capsys.readouterr().err
        assert "no face could be cut out" in said and "(1 no face, 1 no label)" in said
        assert "left out: holiday.png: no label (its name carries no age)" in said
    assert sorted(path.name for path in tmp_path.iterdir()) == ["set"]


@pytest.mark.parametrize("target", ["faces", "faces.tar"])
def test_an_earlier_set_stays_until_the_new_one_is_whole(
    write_folder: Write,
    portrait: bytes,
    empty: bytes,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    target: str,
) -> None:
    """A run that fails or is stopped leaves the earlier set; one that ends well replaces it."""
    out = tmp_path / target
    photos = write_folder({NAME: portrait})
    _prepare(photos, out)
    before = read_faces(out).faces
    (photos / NAME).write_bytes(empty)
    assert _prepare(photos, out) == 1
    (photos / NAME).write_bytes(portrait)
    with monkeypatch.context() as patch:
        patch.setattr(prepare_command, "label_table", _stopped)
        assert _prepare(photos, out) == 130
    assert read_faces(out).faces == before
    (photos / NAME).rename(photos / NAME.replace("36_1", "37_1"))
    assert _prepare(photos, out) == 0
    assert [face.name for face in read_faces(out).faces] == ["000001_37_female.jpg"]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["set", target])


def _stopped(*_: object) -> bytes:
    raise KeyboardInterrupt


def test_nothing_of_the_users_is_replaced(
    write_folder: Write, portrait: bytes, tmp_path: Path, capsys: Said
) -> None:
    """A folder with other files, and the photos themselves, are refused before any work."""
    photos = write_folder({NAME: portrait})
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "holiday.jpg").write_bytes(b"mine")
    assert _prepare(photos, mine) == 1
    assert "holds holiday.jpg, which no earlier preparation wrote" in capsys.readouterr().err
    for place in (photos, photos / "faces", tmp_path):
        assert _prepare(photos, place) == 2
        assert "lie in each other" in capsys.readouterr().err
    assert _prepare(photos, tmp_path / "faces.tar.gz") == 2
    assert "name it faces.tar" in capsys.readouterr().err
    assert [path.name for path in mine.iterdir()] == ["holiday.jpg"]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        pytest.param("file,age,box\na.png,3,1 2 3\n", "line 2.*not four numbers", id="three"),
        pytest.param("file,age,box\na.png,3,1,2,3,4\n", "'1' is not four", id="commas unquoted"),
        pytest.param("file,age,box\na.png,3,1 2 0 4\n", "not four numbers", id="no width"),
        pytest.param("file,age,box\na.png,3,1 2 nan 4\n", "not four numbers", id="not finite"),
        pytest.param("file,age\na.png,3\na.png,4\n", "line 3: a.png stands in line 2 too", id="2"),
        pytest.param("file,gender\na.png,m\n", "expected file and age", id="no ages"),
        pytest.param(None, "cannot read .*expected a table", id="missing"),
    ],
)
def test_tables_that_are_refused(
    write_folder: Write,
    empty: bytes,
    tmp_path: Path,
    capsys: Said,
    table: str | None,
    message: str,
) -> None:
    """What is wrong with a table ends the command before any photo is looked at."""
    path = tmp_path / "table.csv"
    if table is not None:
        path.write_text(table)
    photos = write_folder({"a.png": empty})
    assert _prepare(photos, tmp_path / "faces", "--labels", str(path)) == 1
    assert re.search(message, capsys.readouterr().err)
    assert not (tmp_path / "faces").exists()


def test_renaming_keeps_every_byte(write_tar: Write, pictures: Pictures, tmp_path: Path) -> None:
    """UTKFace's names become id_age_gender; bytes, labels and alignment stay."""
    files = pictures("25_1_3_20170110213000002.jpg.chip.jpg", "61_0_20170109150557335.jpg")
    out = tmp_path / "faces"
    assert _prepare(write_tar(files), out, "--rename-only") == 0
    # The content decides on the suffix: the fixture writes PNG.
    names = ["000001_25_female.png", "000002_61_male.png"]
    assert [(out / name).read_bytes() for name in names] == list(files.values())
    faces = read_faces(out)
    assert [face.label for face in faces.faces] == [
        Label(25.0, gender="female", ethnicity="Indian"),
        Label(61.0, gender="male"),
    ]
    assert faces.alignment == "chip"
    by_name = read_faces(out, names="id-age-gender")
    assert [face.label.gender for face in by_name.faces] == ["female", "male"]


def test_renaming_by_a_table(write_folder: Write, pictures: Pictures, tmp_path: Path) -> None:
    """Labels may come from a table; it must name every picture, since a set must not shrink."""
    photos = write_folder(pictures("a.png", "b.png"))
    table = tmp_path / "t.csv"
    table.write_text("file,age,gender\na.png,30,f\nb.png,40,m\n")
    assert _prepare(photos, tmp_path / "out.tar", "--labels", str(table), "--rename-only") == 0
    names = [face.name for face in read_faces(tmp_path / "out.tar").faces]
    assert names == ["000001_30_female.png", "000002_40_male.png"]
    table.write_text("file,age,gender\na.png,30,f\n")
    assert _prepare(photos, tmp_path / "out.tar", "--labels", str(table), "--rename-only") == 1


def test_sets_that_lose_by_renaming(
    write_folder: Write, portrait: bytes, tmp_path: Path, capsys: Said
) -> None:
    """A set whose labels.csv says how its faces lie is refused."""
    out = tmp_path / "faces"
    _prepare(write_folder({NAME: portrait}), out)
    assert _prepare(out, tmp_path / "renamed", "--rename-only") == 1
    assert "(prepared), which new names would lose" in capsys.readouterr().err


def test_renaming_real_faces(shared_data: Path, tmp_path: Path) -> None:
    """UTKFace's calibration faces are the same set, with the same labels, under other names."""
    source, out = shared_data / "data" / "utkface-calib.tar", tmp_path / "renamed.tar"
    assert _prepare(source, out, "--rename-only") == 0
    before, after = read_faces(source), read_faces(out)
    assert before.digest == after.digest
    labels = {face.digest: face.label for face in before.faces}
    assert all(labels[face.digest] == face.label for face in after.faces)
