"""Published sets by their own labels, on small ones made up here."""

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import cv2
import h5py
import numpy as np
import pytest
from scipy.io import savemat

from faceage_calibration.cli import main
from faceage_calibration.data_sets import DATA_SETS, Reading, read_data_set
from faceage_calibration.faces import read_faces
from faceage_calibration.hdf5_set import read_hdf5
from faceage_calibration.imdb_wiki import age_at
from faceage_calibration.labels import AgeBin, Label
from faceage_calibration.person_split import part_of
from faceage_calibration.pictures import decode_picture
from faceage_edge.errors import FacesError, UsageError
from faceage_edge.geometry import FrameBox

Frame = np.ndarray
Write = Callable[[Mapping[str, bytes]], Path]
Said = pytest.CaptureFixture[str]

# Labels are read without a look at the pictures.
PICTURE = b"a picture"
FOLD_HEADER = "user_id\toriginal_image\tface_id\tage\tgender\tx\ty\tdx\tdy\n"


def read(name: str, folder: Path, **more: Any) -> Reading:
    """A set's reading."""
    return read_data_set(name, folder, more.get("labels"), more.get("part"))


def labels(reading: Reading) -> dict[str, Label]:
    """Labels by picture."""
    return {photo.name: photo.label for photo in reading.photos}


def reasons(reading: Reading) -> dict[str, int]:
    """How many were left out, by reason."""
    return dict(Counter(one.why for one in reading.left_out))


@pytest.mark.parametrize(
    ("name", "picture", "label", "person"),
    [
        ("agedb", "0_MariaCallas_35_f.jpg", Label(35, gender="female"), "MariaCallas"),
        ("agedb", "12_Jean_Paul_7_m.jpg", Label(7, gender="male"), "Jean_Paul"),
        ("fgnet", "001A02.JPG", Label(2), "001"),
        ("fgnet", "082a43b.jpg", Label(43), "082"),
        ("utkface", "36_1_0_20170109142408075.jpg", Label(36, None, "female", "White"), ""),
        ("morph", "009055_1M54.JPG", Label(54, gender="male"), "009055"),
        ("morph", "12345_00F19.JPG", Label(19, gender="female"), "12345"),
    ],
)
def test_labels_in_names(
    name: str, picture: str, label: Label, person: str, write_folder: Write
) -> None:
    """Age, gender and who it is; other names are left out and counted."""
    reading = read(name, write_folder({picture: PICTURE, "cover.jpg": PICTURE, "a.txt": b""}))
    (photo,) = reading.photos
    assert (photo.name, photo.label, photo.person) == (picture, label, person)
    assert reasons(reading) == {"no label": 1}


def test_an_impossible_age_in_a_name(write_folder: Write) -> None:
    """Left out, and said."""
    folder = write_folder({"0_Methuselah_969_m.jpg": PICTURE, "1_Ann_20_f.jpg": PICTURE})
    assert reasons(read("agedb", folder)) == {"impossible age": 1}


def test_adience(write_folder: Write) -> None:
    """Groups and single years; those without an age, and those without a picture."""
    rows = [
        "30@N03\ta.jpg\t1\t(25, 32)\tf\t0\t0\t1\t1",
        "30@N03\tb.jpg\t2\t35\tm\t0\t0\t1\t1",
        "7@N01\tc.jpg\t9\tNone\tu\t0\t0\t1\t1",
        "7@N01\td.jpg\t9\t(60, 100)\tu\t0\t0\t1\t1",
    ]
    folder = write_folder(
        {
            "fold_0_data.txt": (FOLD_HEADER + "\n".join(rows[:2])).encode(),
            "fold_1_data.txt": (FOLD_HEADER + "\n".join(rows[2:])).encode(),
            "fold_frontal_0_data.txt": (FOLD_HEADER + rows[0]).encode(),
            "faces/30@N03/coarse_tilt_aligned_face.1.a.jpg": PICTURE,
            "aligned/30@N03/landmark_aligned_face.2.b.jpg": PICTURE,
        }
    )
    reading = read("adience", folder)
    assert labels(reading) == {
        "faces/30@N03/coarse_tilt_aligned_face.1.a.jpg": Label(bin=AgeBin(25, 33), gender="female"),
        "aligned/30@N03/landmark_aligned_face.2.b.jpg": Label(35, gender="male"),
    }
    assert {photo.person for photo in reading.photos} == {"30@N03"}
    assert reasons(reading) == {"no age": 1, "no photo": 1}


def test_appa_real(write_folder: Write) -> None:
    """The real age of the photo, not what people guessed, and not the face cut out of it."""
    table = (
        "file_name,num_ratings,apparent_age_avg,apparent_age_std,real_age\n000000.jpg,36,5,1,4\n"
    )
    folder = write_folder(
        {
            "gt_avg_train.csv": table.encode(),
            "gt_avg_valid.csv": table.replace(",4\n", ",70\n").encode(),
            "train/000000.jpg": PICTURE,
            "train/000000.jpg_face.jpg": PICTURE,
            "valid/000000.jpg": PICTURE,
        }
    )
    assert labels(read("appa-real", folder)) == {
        "train/000000.jpg": Label(4),
        "valid/000000.jpg": Label(70),
    }


def test_fairface(write_folder: Write) -> None:
    """Its age groups are spans, its race the label's."""
    table = "file,age,gender,race,service_test\ntrain/1.jpg,50-59,Male,East Asian,True\n"
    more = "train/2.jpg,more than 70,Female,Indian,False\n"
    folder = write_folder(
        {
            "fairface_label_train.csv": (table + more).encode(),
            "train/1.jpg": PICTURE,
            "train/2.jpg": PICTURE,
        }
    )
    assert labels(read("fairface", folder)) == {
        "train/1.jpg": Label(bin=AgeBin(50, 60), gender="male", ethnicity="East Asian"),
        "train/2.jpg": Label(bin=AgeBin(70, np.inf), gender="female", ethnicity="Indian"),
    }


def born(year: int, month: int = 7, day: int = 1) -> float:
    """MATLAB's number of a day."""
    return date(year, month, day).toordinal() + 366.0


# Path, birth, year of the photo, gender, score, second score; and what becomes of it.
NAN, INF = float("nan"), float("inf")
PEOPLE = [
    ("01/nm1.jpg", born(1980), 2010, 1.0, 4.0, NAN, 30.0),
    ("01/nm2.jpg", born(1980, 1, 1), 2010, 0.0, 4.0, NAN, 30.5),
    ("02/nm3.jpg", born(1980), 2010, NAN, 4.0, NAN, 30.0),
    ("02/nm4.jpg", born(1980), 2010, 1.0, -INF, NAN, "no face"),
    ("02/nm5.jpg", born(1980), 2010, 1.0, 0.4, NAN, "unsure face"),
    ("02/nm6.jpg", born(1980), 2010, 1.0, 4.0, 2.0, "second face"),
    ("02/nm7.jpg", born(2015), 2010, 1.0, 4.0, NAN, "born after the photo"),
    ("02/nm8.jpg", born(1850), 2010, 1.0, 4.0, NAN, "older than 100"),
    ("02/nm9.jpg", 47.0, 2010, 1.0, 4.0, NAN, "no date of birth"),
]


def matlab(people: list[tuple[Any, ...]], path: Path, name: str = "wiki") -> bytes:
    """A label file as the set has it."""
    objects = np.empty(len(people), object)
    places, names = objects.copy(), objects.copy()
    for index, row in enumerate(people):
        objects[index] = row[0]
        places[index] = np.array([[11.0, 21.0, 111.0, 141.0]])
        names[index] = f"person {index // 2}"
    table = {
        "dob": np.array([row[1] for row in people]),
        "photo_taken": np.array([row[2] for row in people], np.uint16),
        "full_path": objects,
        "gender": np.array([row[3] for row in people]),
        "name": names,
        "face_location": places,
        "face_score": np.array([row[4] for row in people]),
        "second_face_score": np.array([row[5] for row in people]),
    }
    savemat(path, {name: table})
    return path.read_bytes()


@pytest.mark.parametrize("kind", ["imdb", "wiki"])
def test_imdb_wiki(kind: str, write_folder: Write, tmp_path: Path) -> None:
    """Ages at mid-year; whatever cannot be an age or a single face is left out, by reason."""
    pictures = {row[0]: PICTURE for row in PEOPLE}
    data = matlab(PEOPLE, tmp_path / "made.mat", kind)
    reading = read(kind, write_folder({f"{kind}.mat": data, **pictures}))
    kept = {row[0]: row[6] for row in PEOPLE if isinstance(row[6], float)}
    assert {name: label.years for name, label in labels(reading).items()} == pytest.approx(
        kept, abs=0.006
    )
    assert reasons(reading) == {row[6]: 1 for row in PEOPLE if isinstance(row[6], str)}
    assert [photo.label.gender for photo in reading.photos] == ["male", "female", None]
    assert reading.photos[0].box == FrameBox(10, 20, 100, 120)
    assert reading.photos[0].person == "person 0"


def test_one_picture_and_a_folder_of_crops(write_folder: Write, tmp_path: Path) -> None:
    """MATLAB makes one of a list of one; crops have no box."""
    folder = write_folder({PEOPLE[0][0]: PICTURE})
    crops = folder.rename(folder.with_name("wiki_crop"))
    table = tmp_path / "made.mat"
    matlab(PEOPLE[:1], table)
    (photo,) = read("wiki", crops, labels=table).photos
    assert (photo.label.years, photo.box) == (30.0, None)


@pytest.mark.parametrize(
    ("birth", "year", "years"),
    [
        (born(2000, 7, 1), 2000, 0.0),
        (born(2000, 12, 31), 2000, -0.5),
        (born(1900), 2000, 100.0),
        (0.0, 2000, None),
        (NAN, 2000, None),
        (born(2000), NAN, None),
        (born(2000), 0, None),
    ],
)
def test_age_at_mid_year(birth: float, year: float, years: float | None) -> None:
    """Years of 365.2425 days, to hundredths."""
    found = age_at(birth, year)
    assert found is None if years is None else found == pytest.approx(years, abs=0.005)


def hdf5(path: Path, **parts: Any) -> Path:
    """A file of those parts."""
    with h5py.File(path, "w") as file:
        for name, values in parts.items():
            file[name] = values
    return path


def test_hdf5(tmp_path: Path) -> None:
    """Pictures are RGB, read one at a time; an age beyond anyone's is left out."""
    pictures = np.zeros((3, 4, 5, 3), np.uint8)
    pictures[1, ..., 0] = 200
    path = hdf5(tmp_path / "f.h5", images=pictures, ages=[5, 31.5, 400], genders=[0, 1, 1])
    files, photos, left_out = read_hdf5(path)
    assert [photo.label for photo in photos] == [
        Label(5, gender="male"),
        Label(31.5, gender="female"),
    ]
    assert [one.why for one in left_out] == ["impossible age"]
    decoded = decode_picture(files["0000001"].read(), "it")
    # BGR, as everywhere here.
    assert decoded.shape == (4, 5, 3) and decoded[0, 0].tolist() == [0, 0, 200]


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"ages": [1]}, "holds no pictures: found ages"),
        ({"images": np.zeros((1, 2, 2, 3), np.uint8)}, "holds no ages"),
        ({"X": np.zeros((1, 2, 2, 3), np.float32), "y": [1]}, "expected uint8"),
        ({"X": np.zeros((1, 2, 2), np.uint8), "y": [1]}, "expected uint8"),
        ({"X": np.zeros((2, 2, 2, 3), np.uint8), "y": [1]}, "a number of years for each"),
    ],
)
def test_hdf5_files_of_other_parts(parts: dict[str, Any], message: str, tmp_path: Path) -> None:
    """One message that says what is there."""
    with pytest.raises(FacesError, match=message):
        read_hdf5(hdf5(tmp_path / "f.h5", **parts))


@pytest.mark.parametrize(
    ("name", "files", "message"),
    [
        ("agedb", {"001A02.jpg": PICTURE}, r"0_MariaCallas_35_f\.jpg \(AgeDB\); found 001A02"),
        ("adience", {"a.jpg": PICTURE}, "no table of its labels"),
        ("adience", {"fold_0_data.txt": b"a,b\n1,2\n"}, "columns are a,b, expected user_id"),
        ("fairface", {"fairface_label_val.csv": b"\xff\xfe\x00"}, "no text in UTF-8"),
        ("appa-real", {"gt_avg_test.csv": b""}, "columns are none"),
        ("wiki", {"a.jpg": PICTURE}, r"holds no imdb\.mat or wiki\.mat"),
        ("wiki", {"wiki.mat": b"no table", "a.jpg": PICTURE}, "cannot be read as a MATLAB file"),
        ("hdf5", {"a.jpg": PICTURE}, "as HDF5"),
    ],
)
def test_what_is_another_set(
    name: str, files: dict[str, bytes], message: str, write_folder: Write
) -> None:
    """One message: what was found, what was expected."""
    with pytest.raises(FacesError, match=message):
        read(name, write_folder(files))


def test_nobody_is_in_two_parts(write_folder: Write) -> None:
    """Parts by people hold all pictures once, and of a hundred people about 15, 15 and 70."""
    pictures = {f"{n}_Person{n % 40}_{20 + n % 50}_f.jpg": PICTURE for n in range(120)}
    folder = write_folder(pictures)
    parts = {part: read("agedb", folder, part=part) for part in ("train", "choice", "test")}
    people = {part: {one.person for one in found.photos} for part, found in parts.items()}
    assert sum(len(found.photos) for found in parts.values()) == 120
    assert sum(len(own) for own in people.values()) == 40
    assert len(people["train"]) > len(people["test"]) > 0
    assert part_of("Maria") == part_of("maria")
    shares = Counter(part_of(f"person {n}") for n in range(2000))
    # Four standard deviations of 2,000 draws at 15 per cent are 64.
    assert abs(shares["test"] - 300) < 64 and abs(shares["choice"] - 300) < 64


def test_a_set_without_people_has_no_parts(write_folder: Write) -> None:
    """It would look like a split of people, and be none."""
    with pytest.raises(UsageError, match="does not say who is in a picture"):
        read("fairface", write_folder({"a.jpg": PICTURE}), part="test")


def test_every_set_states_its_terms(capsys: Said) -> None:
    """In --help, for each."""
    with pytest.raises(SystemExit):
        main(["prepare", "--help"])
    said = capsys.readouterr().out
    for name, known in DATA_SETS.items():
        assert f"  {name} " in said
        assert f"terms: {known.terms}" in said


def test_the_page_says_what_the_readers_do(repo_root: Path) -> None:
    """Every set stands on docs/datasets.md with its labels and terms."""
    page = (repo_root / "docs" / "datasets.md").read_text(encoding="utf-8")
    for name, known in DATA_SETS.items():
        people = "yes" if known.people else "no"
        row = f"| `{name}` | {known.title} | {known.labels} | {known.ages} | {people} |"
        assert f"{row} {known.terms} |" in page


@pytest.mark.parametrize("more", [[], ["--rename-only"]])
def test_from_a_published_set_to_one_of_ours(
    more: list[str], write_folder: Write, astronaut: Frame, tmp_path: Path, capsys: Said
) -> None:
    """The face is cut out, or the picture renamed; labels, origin and terms are written."""
    portrait = cv2.imencode(".png", astronaut)[1].tobytes()
    folder = write_folder({"0_EileenCollins_36_f.png": portrait, "cover.png": portrait})
    out = tmp_path / "faces"
    words = ["prepare", "--photos", str(folder), "--format", "agedb", "--out", str(out), *more]
    assert main(words) == 0
    said = capsys.readouterr()
    assert "1 left out (1 no label)" in said.out
    assert "left out: cover.png: no label" in said.err
    (face,) = read_faces(out).faces
    assert face.label == Label(36, gender="female")
    assert "0_EileenCollins_36_f.png" in (out / "labels.csv").read_text()
    assert "non-commercial research only" in (out / "TERMS.txt").read_text()
    # A set of ours is replaced, its terms with it.
    assert main(words) == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--format", "agedb", "--names", "utkface"], "--names with --format"),
        (["--part", "test"], "--part without --format"),
        (["--format", "agedb", "--labels", "x.csv"], "labels are in its names"),
    ],
)
def test_options_that_contradict(
    words: list[str], message: str, write_folder: Write, tmp_path: Path, capsys: Said
) -> None:
    """Wrong usage, and nothing is written."""
    out = tmp_path / "faces"
    folder = write_folder({"0_Ann_20_f.jpg": PICTURE})
    assert main(["prepare", "--photos", str(folder), "--out", str(out), *words]) == 2
    assert message in capsys.readouterr().err
    assert not out.exists()
