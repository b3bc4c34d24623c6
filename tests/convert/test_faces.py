"""Which faces a conversion takes, and which sets it refuses."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from faceage_calibration.choice_file import read_choice, write_choice
from faceage_calibration.choose_command import make_choice
from faceage_calibration.faces import read_faces
from faceage_convert.faces import FaceChoice, choose_faces
from faceage_edge.errors import FacesError


def choose(
    path: Path,
    evaluation: Path | None = None,
    *,
    names: str | None = None,
    count: int = 500,
    most: int = 3000,
) -> FaceChoice:
    """Choose with the command's defaults."""
    return choose_faces(path, evaluation, names=names, count=count, most=most)


def sizes(choice: FaceChoice) -> tuple[int, int]:
    """How many faces are for calibration and for evaluation."""
    return len(choice.calibration.faces), len(choice.evaluation.faces)


SPLITS = [
    (60, 500, (30, 30), "half each"),
    (60, 25, (25, 35), "as many as asked for, the rest to measure on"),
    (30, 500, (20, 10), "twenty at least"),
    (20, 500, (20, 0), "none left"),
]


@pytest.mark.parametrize(("n", "count", "expected", "note"), SPLITS, ids=[x[3] for x in SPLITS])
def test_one_set_serves_for_both(
    write_faces: Callable[..., Path], n: int, count: int, expected: tuple[int, int], note: str
) -> None:
    """A set is split, and no picture is on both sides."""
    choice = choose(write_faces(n), count=count)
    assert sizes(choice) == expected
    calibration = {face.digest for face in choice.calibration.faces}
    assert calibration.isdisjoint(face.digest for face in choice.evaluation.faces)


def test_two_sets(write_faces: Callable[..., Path]) -> None:
    """With a set to measure on, all of the first may go into the ranges."""
    choice = choose(write_faces(24), write_faces(5, folder="others", start=100), most=3)
    assert sizes(choice) == (24, 3)


def test_a_choice_names_them(write_faces: Callable[..., Path], tmp_path: Path) -> None:
    """The faces of a choice file calibrate, the others are measured on."""
    path = write_faces(60)
    faces = read_faces(path)
    choice = make_choice([faces], [], count=25, seed=3)
    write_choice(tmp_path / "choice.json", choice)
    found = choose_faces(
        path, None, names=None, count=7, most=3000, choice=tmp_path / "choice.json"
    )
    assert sizes(found) == (25, 35)
    assert {face.digest for face in found.calibration.faces} == set(choice.digests)


def test_a_choice_for_the_interval(write_faces: Callable[..., Path], tmp_path: Path) -> None:
    """Faces of both sets serve the interval, those that calibrate once; all others are measured."""
    path, others = write_faces(24), write_faces(30, folder="others", start=100)
    write_choice(tmp_path / "c", make_choice([read_faces(one) for one in (path, others)], [],
                                             count=40, seed=1))  # fmt: skip
    choose = partial(choose_faces, path, others, names=None, most=3000)
    found = choose(count=20, interval_choice=tmp_path / "c")
    assert sizes(found) == (20, 30)
    chosen = {face.digest for one in found.interval for face in one.faces}
    calibrates = {face.digest for face in found.calibration.faces}
    assert chosen == set(read_choice(tmp_path / "c").digests) - calibrates
    assert calibrates and chosen & {face.digest for face in found.evaluation.faces}
    assert choose(count=20).interval == ()


CHOICES = [
    (60, 10, "too few faces in .*choice.json: 10, expected 20", "too few of them"),
    (25, 40, "faces are not in", "of another set"),
]


@pytest.mark.parametrize(("n", "count", "said", "note"), CHOICES, ids=[x[3] for x in CHOICES])
def test_refused_choices(
    write_faces: Callable[..., Path], tmp_path: Path, n: int, count: int, said: str, note: str
) -> None:
    """A choice that does not go with the faces is one message."""
    chosen = make_choice([read_faces(write_faces(60))], [], count=count, seed=0)
    write_choice(tmp_path / "choice.json", chosen)
    faces = write_faces(n, folder="others")
    with pytest.raises(FacesError, match=said):
        choose_faces(faces, None, names=None, count=500, most=3000, choice=tmp_path / "choice.json")


def test_calibration_spans_all_ages(write_faces: Callable[..., Path]) -> None:
    """Twenty of a hundred faces hold two of each decade."""
    choice = choose(write_faces(100), count=20)
    decades = [face.label.decade for face in choice.calibration.faces]
    assert sorted(x for x in decades if x is not None) == [x for x in range(10) for _ in "12"]


def test_a_copy_of_a_picture_is_not_measured_on(write_faces: Callable[..., Path]) -> None:
    """The same picture under another name counts as used."""
    folder = write_faces(20)
    for path in list(folder.iterdir()):
        (folder / f"{path.stem}9.jpg").write_bytes(path.read_bytes())
    choice = choose(folder)
    calibration = {face.digest for face in choice.calibration.faces}
    assert calibration.isdisjoint(face.digest for face in choice.evaluation.faces)


def test_overlap_is_refused(write_faces: Callable[..., Path]) -> None:
    """A picture in both sets is counted and named."""
    first, second = write_faces(20), write_faces(4, folder="others", start=18)
    with pytest.raises(FacesError, match=r"2 of 4 pictures in .*others were also used .*_2017"):
        choose(first, second)


def test_too_few_faces(write_faces: Callable[..., Path]) -> None:
    """One face makes no ranges."""
    with pytest.raises(FacesError, match=r"too few faces in .*: 1, expected 20 or more"):
        choose(write_faces(1))


def test_names_without_ages(
    write_faces: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    """Faces that plainly have no labels are used without, and a note says so."""
    choice = choose(write_faces(24, name="portrait{n}.jpg"))
    assert not any(face.label.has_age for face in choice.calibration.faces)
    assert "carry no ages" in capsys.readouterr().err


def _spoiled_table(folder: Path) -> None:
    rows = [f"{path.name},34" for path in folder.iterdir()]
    (folder / "labels.csv").write_text("\n".join(["file,age", *rows[1:], rows[0] + "4"]))


WRONG = [
    ("{age}_{gender}_2017{n:08d}.jpg", None, "read in two ways", "two conventions"),
    ("1{age:02d}_0_0_2017{n:08d}.jpg", None, "out of range", "ages above 120"),
    ("IMG_20190101_{n:06d}.jpg", None, "'20190101' is out of range", "a phone's pictures"),
    ("portrait{n}.jpg", _spoiled_table, "'344' is out of range", "a table with a slip"),
]


@pytest.mark.parametrize(("name", "more", "message", "note"), WRONG, ids=[x[3] for x in WRONG])
def test_wrong_labels_are_an_error(
    write_faces: Callable[..., Path],
    name: str,
    more: Callable[[Path], None] | None,
    message: str,
    note: str,
) -> None:
    """They are never passed over in silence, and the message says how to do without."""
    folder = write_faces(24, name=name)
    if more is not None:
        more(folder)
    with pytest.raises(FacesError, match=f"{message}.*--names none"):
        choose(folder)
    choice = choose(folder, names="none")
    assert sizes(choice) == (20, 4)
    assert not any(face.label.has_age for face in choice.calibration.faces)


def test_one_odd_name_among_good_ones(write_faces: Callable[..., Path]) -> None:
    """A set that is nearly labelled is not used as if it had no labels."""
    folder = write_faces(24)
    next(folder.iterdir()).rename(folder / "hello.jpg")
    with pytest.raises(FacesError, match=r"1 of 24 names carry no age .*hello\.jpg"):
        choose(folder)


def test_convention_that_is_said(write_faces: Callable[..., Path]) -> None:
    """`--names` settles what could be read in two ways."""
    folder = write_faces(24, name="{age}_{gender}_2017{n:08d}.jpg")
    ages = {face.label.years for face in choose(folder, names="utkface").calibration.faces}
    assert max(age for age in ages if age is not None) > 90
