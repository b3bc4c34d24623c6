"""Reading sets of labelled faces."""

import hashlib
import os
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from faceage_calibration.faces import FaceSet, check_disjoint, read_faces
from faceage_calibration.labels import AgeBin, Label
from faceage_edge.errors import FacesError, UsageError

Write = Callable[[Mapping[str, bytes]], Path]
Pictures = Callable[..., dict[str, bytes]]

UTKFACE = ("1_0_0_20170110213000001.jpg", "25_1_3_20170110213000002.jpg", "80_0_4_20170112.jpg")
PREPARED_CSV = (
    b"file,age,age_bin,gender,race,photo,left,top,side\na.jpg,3,,,,x,0,0,9\nb.jpg,4,,,,y,0,0,9\n"
)
FAIRFACE_CSV = (
    b"file,age_bin,gender,race\na.jpg,20-29,Male,Black\nb.jpg,more than 70,Female,White\n"
)


def test_a_folder_with_utkface_names(write_folder: Write, pictures: Pictures) -> None:
    """Names give ages, bytes give digests, pixels come on demand."""
    files = pictures(*UTKFACE, side=20)
    faces = read_faces(write_folder(files))
    assert (faces.convention, faces.alignment) == ("utkface", "utkface")
    assert [face.label.years for face in faces.faces] == [1, 25, 80]
    assert [face.digest for face in faces.faces] == [
        hashlib.sha256(files[name]).hexdigest() for name in UTKFACE
    ]
    assert faces.faces[1].picture().shape == (20, 20, 3)


def test_packing_does_not_change_a_set(
    write_folder: Write, write_tar: Write, pictures: Pictures
) -> None:
    """Folder and archive of the same pictures are the same set with the same digest."""
    files = pictures(*UTKFACE)
    folder, archive = read_faces(write_folder(files)), read_faces(str(write_tar(files)))
    assert folder.faces == archive.faces
    assert folder.digest == archive.digest
    pairs = zip(folder.faces, archive.faces, strict=True)
    assert all((one.picture() == other.picture()).all() for one, other in pairs)


def test_the_digest_of_a_set_is_that_of_its_pictures(
    write_folder: Write, pictures: Pictures
) -> None:
    """Any change of the pictures changes it, their order does not."""
    faces = read_faces(write_folder(pictures(*UTKFACE)))
    assert faces.only(faces.faces[::-1]).digest == faces.digest
    assert faces.only(faces.faces[:2]).digest != faces.digest


@pytest.mark.parametrize(
    ("csv", "side", "alignment"),
    [
        pytest.param(FAIRFACE_CSV, 144, "fairface", id="FairFace's columns and size"),
        pytest.param(FAIRFACE_CSV, 100, "chip", id="its columns alone"),
        pytest.param(b"file,age\na.jpg,3\nb.jpg,4\n", 144, "chip", id="its size alone"),
        pytest.param(PREPARED_CSV, 100, "prepared", id="the columns of faceage-calibrate prepare"),
        pytest.param(PREPARED_CSV.replace(b",side", b""), 100, "chip", id="some of them"),
    ],
)
def test_alignment_of_a_set_with_a_table(
    write_tar: Write, pictures: Pictures, csv: bytes, side: int, alignment: str
) -> None:
    """Only what is surely FairFace's crops is taken to be aligned like them."""
    faces = read_faces(write_tar({**pictures("a.jpg", "b.jpg", side=side), "labels.csv": csv}))
    assert (faces.convention, faces.alignment) == ("labels.csv", alignment)


def test_a_table_beside_sub_folders(write_folder: Write, pictures: Pictures) -> None:
    """Paths in a table are relative to it."""
    csv = b"file,age\ntrain/a.jpg,3\nval/a.jpg,40\n"
    faces = read_faces(write_folder({**pictures("train/a.jpg", "val/a.jpg"), "labels.csv": csv}))
    assert [face.label for face in faces.faces] == [Label(3.0), Label(40.0)]


def test_a_table_within_an_archives_folder(write_tar: Write, pictures: Pictures) -> None:
    """An archive of a folder works as the folder does."""
    files = {**pictures("set/a.jpg", "set/b.jpg"), "set/labels.csv": FAIRFACE_CSV}
    faces = read_faces(write_tar(files))
    assert faces.faces[0].label == Label(None, AgeBin(20, 30), "male", "Black")


def test_names_can_be_preferred_to_a_table(write_folder: Write, pictures: Pictures) -> None:
    """Whoever says which names are meant gets the names."""
    csv = b"file,age\n00001_31_F.jpg,99\n"
    folder = write_folder({**pictures("00001_31_F.jpg"), "labels.csv": csv})
    assert read_faces(folder).faces[0].label.years == 99
    named = read_faces(folder, names="id-age-gender")
    assert (named.convention, named.faces[0].label.years) == ("id-age-gender", 31)


@pytest.mark.parametrize(
    ("files", "convention"),
    [
        pytest.param(["holiday.jpg", "b.jpg"], "unlabelled", id="no ages"),
        pytest.param(["61_1_20170109150557335.jpg"], "unlabelled", id="two readings"),
        pytest.param(["500_1_0_20170109.jpg"], "unlabelled", id="impossible ages"),
        pytest.param(list(UTKFACE), "utkface", id="labels beyond doubt are used"),
    ],
)
def test_faces_without_labels(
    write_folder: Write, pictures: Pictures, files: list[str], convention: str
) -> None:
    """Where ages are not needed every name will do."""
    faces = read_faces(write_folder(pictures(*files)), labelled=False)
    assert faces.convention == convention
    assert len(faces.faces) == len(files)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        pytest.param({}, "is empty", id="nothing at all"),
        pytest.param({"notes.txt": b"hello"}, "holds no pictures", id="only other files"),
        pytest.param({".a.jpg": b"hello"}, "holds no pictures", id="only hidden files"),
        pytest.param(
            {UTKFACE[0]: b"\xff\xd8\xff\xe0", UTKFACE[1]: b"<html>not found</html>"},
            rf"1 of 2 files are not pictures \({UTKFACE[1]}\)",
            id="a web page saved as a picture",
        ),
        pytest.param(
            {f"{age}_0_0_20170101.jpg": b"" for age in range(10, 17)},
            r"7 of 7 files are not pictures \(10_0_0_20170101\.jpg.*14_0_0_20170101\.jpg\)",
            id="empty files; five are named",
        ),
        pytest.param({"a.mp4": b"\0\0\0 ftypisom"}, "1 of 1 files are not pictures", id="a film"),
    ],
)
@pytest.mark.parametrize("packing", ["folder", "tar"])
def test_sets_without_pictures(
    write_folder: Write,
    write_tar: Write,
    files: dict[str, bytes],
    message: str,
    packing: str,
) -> None:
    """A set without pictures, or with files that are none, is refused with their names."""
    path = (write_folder if packing == "folder" else write_tar)(files)
    with pytest.raises(FacesError, match=message):
        read_faces(path)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        pytest.param(["holiday.jpg"], "carry no age", id="no ages"),
        pytest.param(["61_1_20170109150557335.jpg"], r"--names utkface\|id-age-gender", id="both"),
        pytest.param(["121_0_0_20170101.jpg"], r"121_0_0_20170101\.jpg: .*out of range", id="old"),
    ],
)
def test_names_that_do_not_do(
    write_folder: Write, pictures: Pictures, files: list[str], message: str
) -> None:
    """Labels that are missing, ambiguous or out of range are refused."""
    with pytest.raises(FacesError, match=message):
        read_faces(write_folder(pictures(*files)))


def test_an_unknown_convention_is_a_usage_error(write_folder: Write, pictures: Pictures) -> None:
    """A convention that does not exist is refused though labels are not needed."""
    with pytest.raises(UsageError, match="imdb"):
        read_faces(write_folder(pictures(*UTKFACE)), names="imdb", labelled=False)


def test_two_tables_are_refused(write_folder: Write, pictures: Pictures) -> None:
    """Which table counts is not guessed."""
    files = {**pictures("x/a.jpg"), "x/labels.csv": FAIRFACE_CSV, "y/labels.csv": FAIRFACE_CSV}
    with pytest.raises(FacesError, match=r"2 files labels\.csv"):
        read_faces(write_folder(files))


def test_a_picture_outside_the_tables_folder_has_no_row(
    write_folder: Write, pictures: Pictures
) -> None:
    """A picture elsewhere is not taken for one of the same name beside the table."""
    files = {**pictures("x/a.jpg", "y/a.jpg"), "x/labels.csv": b"file,age\na.jpg,3\n"}
    with pytest.raises(FacesError, match=r"1 of 2 pictures have no row \(\.\./y/a\.jpg\)"):
        read_faces(write_folder(files))


def test_a_damaged_picture_is_found_when_it_is_needed(write_folder: Write) -> None:
    """Reading a set decodes nothing; the damaged picture is named when it is asked for."""
    faces = read_faces(write_folder({UTKFACE[0]: b"\xff\xd8\xff\xe0" + bytes(30)}))
    with pytest.raises(FacesError, match=rf"{UTKFACE[0]} is a .*(damaged|cut short)"):
        faces.faces[0].picture()


def test_a_picture_that_has_gone(write_folder: Write, pictures: Pictures) -> None:
    """A picture removed since the set was read is named."""
    folder = write_folder(pictures(*UTKFACE))
    faces = read_faces(folder)
    (folder / UTKFACE[0]).unlink()
    with pytest.raises(FacesError, match=f"cannot read the picture {UTKFACE[0]}"):
        faces.faces[0].picture()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every folder")
@pytest.mark.parametrize("locked", ["", "x", "x/a.jpg"])
def test_what_may_not_be_read(write_folder: Write, pictures: Pictures, locked: str) -> None:
    """A folder, sub folder or picture without permission is named."""
    folder = write_folder(pictures("x/a.jpg"))
    (folder / locked).chmod(0)
    try:
        with pytest.raises(FacesError, match=r"cannot read .*Permission denied"):
            read_faces(folder)
    finally:
        (folder / locked).chmod(0o755)


def test_disjoint_sets_pass(face_set: Callable[..., FaceSet]) -> None:
    """Other pictures, in whole digests or prefixes, are no overlap."""
    faces = face_set(Label(1.0), Label(2.0))
    check_disjoint(["ab" * 32, "cd" * 5], faces)
    check_disjoint([], faces)


@pytest.mark.parametrize("length", [10, 16, 64])
def test_overlap_is_refused(face_set: Callable[..., FaceSet], length: int) -> None:
    """A picture used before is counted and named, by its digest or a prefix in either case."""
    faces = face_set(Label(1.0), Label(2.0), Label(3.0))
    used = ["ab" * 32, faces.faces[2].digest[:length].upper()]
    with pytest.raises(FacesError, match=r"1 of 3 pictures in made-up.*calibration \(2\.png\)"):
        check_disjoint(used, faces)


def test_short_prefixes_are_refused(face_set: Callable[..., FaceSet]) -> None:
    """A prefix that many pictures share proves nothing."""
    with pytest.raises(FacesError, match="too short to tell pictures apart"):
        check_disjoint(["abcdef"], face_set(Label(1.0)))


@pytest.mark.parametrize(
    ("name", "convention", "alignment", "count", "unknown_race"),
    [
        ("utkface-dev.tar", "utkface", "utkface", 2478, 1),
        ("utkface-calib.tar", "utkface", "utkface", 786, 0),
        ("fairface-train.tar", "labels.csv", "fairface", 8935, 0),
    ],
)
def test_real_sets(
    shared_data: Path,
    name: str,
    convention: str,
    alignment: str,
    count: int,
    unknown_race: int,
) -> None:
    """The sets that the project is measured on are read whole."""
    faces = read_faces(shared_data / "data" / name)
    assert (faces.convention, faces.alignment) == (convention, alignment)
    assert len(faces.faces) == count
    assert all(face.label.has_age for face in faces.faces)
    assert sum(face.label.ethnicity is None for face in faces.faces) == unknown_race


def test_the_real_splits_share_no_picture(shared_data: Path) -> None:
    """Calibration and development faces of UTKFace are different pictures."""
    calibration = read_faces(shared_data / "data" / "utkface-calib.tar")
    development = read_faces(shared_data / "data" / "utkface-dev.tar")
    check_disjoint([face.digest[:10] for face in calibration.faces], development)
    with pytest.raises(FacesError, match="786 of 786"):
        check_disjoint([face.digest for face in calibration.faces], calibration)
