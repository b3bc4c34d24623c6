"""`faceage-calibrate choose`, and its choice in the commands that use faces."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from faceage_calibration.choice_file import CHOICE_SCHEMA, Choice, ChosenFace, pick, read_choice
from faceage_calibration.cli import main
from faceage_calibration.faces import FaceSet, check_disjoint, read_faces
from faceage_calibration.labels import Label
from faceage_calibration.ranges import read_ranges
from faceage_edge.errors import FacesError

Write = Callable[[Mapping[str, bytes]], Path]
Pictures = Callable[..., dict[str, bytes]]

AGE = "age-mobilenet-coral/age-mobilenet-coral.float32.tflite"
# Strata of (age, gender, race) with the pictures each has: three are poor, one is rich.
STRATA = {"5_0_0": 2, "5_1_0": 1, "45_0_1": 20, "75_1_2": 3}


@pytest.fixture
def names() -> list[str]:
    """UTKFace names of 26 faces, spread as `STRATA` says."""
    return [f"{kind}_20170110{number:03d}.png" for kind, n in STRATA.items() for number in range(n)]


@pytest.fixture
def folder(tmp_path: Path, pictures: Pictures, names: list[str]) -> Path:
    """A folder `faces` of those pictures."""
    return _folder(tmp_path / "faces", pictures(*names, side=40))


def _folder(path: Path, files: Mapping[str, bytes]) -> Path:
    path.mkdir()
    for name, data in files.items():
        (path / name).write_bytes(data)
    return path


def _choose(faces: Path, out: Path, *more: str, count: int = 9) -> dict[str, Any]:
    arguments = ["choose", "--faces", str(faces), "--count", str(count), *more, "--out", str(out)]
    assert main(arguments) == 0
    document: dict[str, Any] = json.loads(out.read_bytes())
    return document


def test_a_seed_is_a_choice(folder: Path, tmp_path: Path) -> None:
    """The same seed gives the same bytes, another seed other faces."""
    first, again, other = (tmp_path / name for name in ("first", "again", "other"))
    _choose(folder, first, "--seed", "3")
    _choose(folder, again, "--seed", "3")
    _choose(folder, other, "--seed", "4")
    assert first.read_bytes() == again.read_bytes()
    assert read_choice(first).digests != read_choice(other).digests


def test_a_choice_names_no_folder(folder: Path, tmp_path: Path) -> None:
    """The same set elsewhere gives the same bytes; everything in the file is sorted."""
    moved = tmp_path / "elsewhere"
    moved.mkdir()
    document = _choose(folder, tmp_path / "a", "--apart-from", str(_other(tmp_path)))
    folder.rename(moved / "faces")
    _choose(moved / "faces", tmp_path / "b", "--apart-from", str(tmp_path / "apart"))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert str(tmp_path) not in (tmp_path / "a").read_text()
    names = [face["name"] for face in document["faces"]]
    assert names == sorted(names)
    assert document["schema"] == CHOICE_SCHEMA
    assert document["sets"][0]["name"] == "faces"


def _other(tmp_path: Path) -> Path:
    return _folder(tmp_path / "apart", {"x.png": b"\x89PNG\r\n\x1a\n" + bytes(9)})


def test_poor_strata_are_spread_evenly(folder: Path, tmp_path: Path) -> None:
    """Poor strata give all they have and the rest comes from the others."""
    document = _choose(folder, tmp_path / "choice", count=12)
    counts = {
        (row["decade"], row["gender"], row["ethnicity"]): (row["available"], row["chosen"])
        for row in document["strata"]
    }
    assert counts == {
        (0, "male", "White"): (2, 2),
        (0, "female", "White"): (1, 1),
        (4, "male", "Black"): (20, 6),
        (7, "female", "Asian"): (3, 3),
    }
    assert sum(chosen for _, chosen in counts.values()) == document["count"] == 12


def test_no_face_of_another_set_or_choice(
    folder: Path, tmp_path: Path, pictures: Pictures, names: list[str]
) -> None:
    """Pictures of a set, renamed there, and of an earlier choice are not chosen, and counted."""
    taken = list(pictures(*names[:3], side=40).values())
    other = _folder(tmp_path / "measured", {f"{n}.png": data for n, data in enumerate(taken)})
    first, second = tmp_path / "first.json", tmp_path / "second.json"
    _choose(folder, first, "--apart-from", str(other), count=10)
    document = _choose(folder, second, "--apart-from", str(other), str(first), count=13)
    assert document["apart_from"] == [
        {"name": "first.json", "pictures": 10, "left_out": 10},
        {"name": "measured", "pictures": 3, "left_out": 3},
    ]
    digests = [set(read_choice(path).digests) for path in (first, second)]
    measured = {face.digest for face in read_faces(other, labelled=False).faces}
    assert not digests[0] & digests[1] and not measured & (digests[0] | digests[1])


def test_apart_from_what_ranges_were_recorded_on(folder: Path, tmp_path: Path) -> None:
    """A ranges file names its pictures by prefixes, which are enough to keep away from them."""
    ranges = tmp_path / "age.ranges.json"
    arguments = ["--model", AGE, "--faces", str(folder), "--count", "6", "--out", str(ranges)]
    assert main(["ranges", *arguments]) == 0
    _choose(folder, tmp_path / "choice", "--apart-from", str(ranges), count=20)
    chosen = read_choice(tmp_path / "choice")
    known = read_ranges(ranges).calibration.pictures
    assert not {digest[:10] for digest in chosen.digests} & set(known)


@pytest.mark.parametrize(
    ("count", "message"),
    [
        (27, "27 faces were asked for, and {faces} has 26 different ones; lower --count"),
        (1000, "1,000 faces were asked for"),
    ],
)
def test_a_set_that_is_too_small(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], count: int, message: str
) -> None:
    """One message says how many there are, and nothing is written."""
    out = tmp_path / "choice"
    assert main(["choose", "--faces", str(folder), "--count", str(count), "--out", str(out)]) == 1
    assert message.format(faces=folder) in capsys.readouterr().err
    assert not out.exists()


def test_too_small_because_of_what_is_kept_apart(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The message counts what --apart-from took away."""
    _choose(folder, tmp_path / "first", count=20)
    more = ["--apart-from", str(tmp_path / "first"), "--out", str(tmp_path / "second")]
    assert main(["choose", "--faces", str(folder), "--count", "7", *more]) == 1
    assert "has 6 different ones (20 are in what --apart-from names)" in capsys.readouterr().err


def test_a_picture_counts_once(
    folder: Path, tmp_path: Path, pictures: Pictures, names: list[str]
) -> None:
    """A picture that is in two sets, or twice in one, is chosen once, in any order of sets."""
    more = _folder(tmp_path / "more", pictures(*names[:5], side=40))
    (more / "45_1_0_20170110999.png").write_bytes((more / names[0]).read_bytes())
    for out, sets in (("a", [folder, more]), ("b", [more, folder])):
        arguments = ["choose", "--faces", *map(str, sets), "--count", "26"]
        assert main([*arguments, "--out", str(tmp_path / out)]) == 0
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert len(set(read_choice(tmp_path / "a").digests)) == 26


def test_ranges_of_a_choice_repeat(folder: Path, tmp_path: Path) -> None:
    """The same choice gives a byte-identical ranges file, also of a set with other names."""
    _choose(folder, tmp_path / "choice")
    renamed = _folder(
        tmp_path / "renamed",
        {
            f"z{26 - n:02d}.png": path.read_bytes()
            for n, path in enumerate(sorted(folder.iterdir()))
        },
    )
    for name, faces in (("a", folder), ("b", folder), ("c", renamed)):
        arguments = ["--model", AGE, "--faces", str(faces), "--choice", str(tmp_path / "choice")]
        assert main(["ranges", *arguments, "--out", str(tmp_path / name)]) == 0
    assert len({(tmp_path / name).read_bytes() for name in "abc"}) == 1
    recorded, chosen = read_ranges(tmp_path / "a"), read_choice(tmp_path / "choice")
    assert recorded.calibration.pictures == tuple(digest[:10] for digest in chosen.digests)


def test_a_choice_from_several_sets(folder: Path, tmp_path: Path, pictures: Pictures) -> None:
    """Ranges take its faces from all of the sets, each cut by its own set's alignment."""
    more = _folder(tmp_path / "more", pictures("25_0_0_20170111000.png", side=30, start=99))
    out, ranges = tmp_path / "choice", tmp_path / "ranges"
    sets = [str(folder), str(more)]
    assert main(["choose", "--faces", *sets, "--count", "8", "--out", str(out)]) == 0
    assert [one.chosen for one in read_choice(out).sets] == [7, 1]
    arguments = ["--model", AGE, "--faces", *sets, "--choice", str(out), "--out", str(ranges)]
    assert main(["ranges", *arguments]) == 0
    assert read_ranges(ranges).calibration.n == 8


def test_an_interval_of_a_choice(folder: Path, tmp_path: Path) -> None:
    """An interval is fitted on the faces of the choice and no other."""
    _choose(folder, tmp_path / "choice", count=20)
    arguments = ["--model", AGE, "--faces", str(folder), "--choice", str(tmp_path / "choice")]
    assert main(["interval", *arguments, "--json", str(tmp_path / "interval")]) == 0
    fitted = json.loads((tmp_path / "interval").read_bytes())
    chosen = read_choice(tmp_path / "choice").digests
    assert fitted["interval"]["n"] == 20
    assert fitted["calibration"]["pictures"] == [digest[:10] for digest in chosen]


def test_a_choice_of_other_faces(
    folder: Path, tmp_path: Path, pictures: Pictures, capsys: pytest.CaptureFixture[str]
) -> None:
    """Faces of the choice that the sets lack are counted, with the sets it was made from."""
    _choose(folder, tmp_path / "choice")
    other = _folder(tmp_path / "other", pictures("25_0_0_20170111000.png", start=99))
    arguments = ["--model", AGE, "--faces", str(other), "--choice", str(tmp_path / "choice")]
    assert main(["ranges", *arguments, "--out", str(tmp_path / "r")]) == 1
    message = capsys.readouterr().err
    assert "9 of its 9 faces are not in" in message and "it was made from faces:" in message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(None, "cannot read the choice", id="missing"),
        pytest.param("{", "not JSON", id="cut short"),
        pytest.param('{"schema": "other/1"}', "found schema 'other/1'", id="another schema"),
        pytest.param("{}", "'schema' is missing", id="another file"),
        pytest.param("[]", "no choice of faces", id="a list"),
        pytest.param(
            f'{{"schema": "{CHOICE_SCHEMA}", "seed": 0, "count": 2, "sets": [], "apart_from": [],'
            ' "strata": [], "faces": []}',
            "lists 0 faces and says 2",
            id="faces are missing",
        ),
        pytest.param(
            f'{{"schema": "{CHOICE_SCHEMA}", "seed": 0, "count": 1, "sets": [], "apart_from": [],'
            ' "strata": [], "faces": [{"set": "a", "name": "b", "digest": "12"}]}',
            "no SHA-256 in hex: '12'",
            id="a short digest",
        ),
    ],
)
def test_files_that_are_no_choice(tmp_path: Path, text: str | None, message: str) -> None:
    """A damaged or other file is refused with what is wrong with it."""
    path = tmp_path / "choice.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(FacesError, match=message.replace("'", ".")):
        read_choice(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param('{"a": 1}', "names no pictures to keep apart from", id="another file"),
        pytest.param(
            '{"calibration": {"pictures": ["abc"]}}', "too short to tell", id="short prefixes"
        ),
        pytest.param("text", "is no tar archive", id="no JSON"),
    ],
)
def test_files_that_name_no_pictures(
    folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    text: str,
    message: str,
) -> None:
    """What --apart-from names must be pictures: silence would choose what is measured on."""
    (tmp_path / "other.json").write_text(text)
    more = ["--apart-from", str(tmp_path / "other.json"), "--out", str(tmp_path / "choice")]
    assert main(["choose", "--faces", str(folder), "--count", "2", *more]) == 1
    assert message in capsys.readouterr().err
    assert not (tmp_path / "choice").exists()


def test_a_choice_and_a_part_are_refused(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A part would leave out faces that the choice names."""
    arguments = ["--model", AGE, "--faces", str(folder), "--choice", "c", "--part", "train"]
    assert main(["ranges", *arguments, "--out", str(tmp_path / "r")]) == 2
    assert "--choice names every face" in capsys.readouterr().err


def test_real_faces(shared_data: Path, tmp_path: Path) -> None:
    """Of UTKFace's calibration faces 300 are chosen over all strata, none from the others."""
    data = shared_data / "data"
    out = tmp_path / "choice.json"
    document = _choose(
        data / "utkface-calib.tar", out, "--apart-from", str(data / "utkface-dev.tar"), count=300
    )
    full = [row["chosen"] for row in document["strata"] if row["chosen"] < row["available"]]
    assert max(full) - min(full) <= 1
    assert all(row["chosen"] for row in document["strata"])
    check_disjoint(read_choice(out).digests, read_faces(data / "utkface-dev.tar"))
    chosen = set(read_choice(out).digests)
    assert (
        len(chosen & {face.digest for face in read_faces(data / "utkface-calib.tar").faces}) == 300
    )


def test_a_face_is_known_by_its_name_among_equal_pictures(
    face_set: Callable[..., FaceSet],
) -> None:
    """Of a picture with two names, and two labels, the one that was chosen is picked."""
    faces = face_set(Label(1.0), Label(2.0))
    same = [replace(face, digest=faces.faces[0].digest) for face in faces.faces]
    choice = Choice(0, (), (), (), (ChosenFace("s", same[1].name, same[1].digest),))
    assert pick(choice, [faces.only(same)], where="c")[0].faces == (same[1],)
