"""The stratified choice of faces."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from faceage_calibration.choose import choose_from, choose_stratified
from faceage_calibration.faces import FaceSet, read_faces
from faceage_calibration.labels import Label
from faceage_edge.errors import UsageError

MakeSet = Callable[..., FaceSet]


def test_every_group_is_among_few(face_set: MakeSet) -> None:
    """Of a set of mostly one kind every kind is chosen before a second of any."""
    common = [Label(25.0, gender="male", ethnicity="A")] * 50
    rare = [
        Label(25.0, gender="female", ethnicity="A"),
        Label(25.0, gender="male", ethnicity="B"),
        Label(70.0, gender="male", ethnicity="A"),
        Label(),
    ]
    chosen = choose_stratified(face_set(*common, *rare), 5)
    assert len({face.label for face in chosen}) == 5


def test_few_faces_span_the_ages(face_set: MakeSet) -> None:
    """A round begins with one face of every decade, however many groups a decade has."""
    labels = [
        Label(10.0 * decade + 5, gender=gender, ethnicity=ethnicity)
        for decade in range(8)
        for gender in ("male", "female")
        for ethnicity in "ABCDE"[: decade + 1]
    ]
    chosen = choose_stratified(face_set(*labels), 8)
    assert sorted(face.label.decade or 0 for face in chosen) == list(range(8))


def test_the_choice_repeats_and_grows(face_set: MakeSet) -> None:
    """One seed gives one choice whatever the set's order; a smaller choice begins a larger one."""
    faces = face_set(*(Label(float(age)) for age in range(100)))
    chosen = choose_stratified(faces, 40, seed=3)
    assert choose_stratified(faces.only(faces.faces[::-1]), 40, seed=3) == chosen
    assert choose_stratified(faces, 15, seed=3) == chosen[:15]
    assert choose_stratified(faces, 40, seed=4) != chosen


def test_as_found_keeps_the_shares(face_set: MakeSet) -> None:
    """Half of a set with ten rare faces in a hundred has five of them, and not all ten."""
    faces = face_set(*[Label(25.0)] * 90, *[Label(75.0)] * 10).faces

    def rare(seed: int, spread: str) -> int:
        chosen = choose_from(faces, 50, seed=seed, spread=spread)
        assert len({face.name for face in chosen}) == 50
        return sum(face.label.years == 75 for face in chosen)

    assert [rare(seed, "even") for seed in range(20)] == [10] * 20
    assert 4 < sum(rare(seed, "as-found") for seed in range(20)) / 20 < 6


def test_names_do_not_steer_the_choice(face_set: MakeSet) -> None:
    """A set whose files were renamed gives the same pictures."""
    faces = face_set(*(Label(float(age)) for age in range(30)))
    renamed = faces.only([replace(face, name="x" + face.name) for face in faces.faces])
    digests = [face.digest for face in choose_stratified(faces, 9)]
    assert [face.digest for face in choose_stratified(renamed, 9)] == digests


@pytest.mark.parametrize("n", [5, 6, 1000])
def test_a_small_set_is_taken_whole(face_set: MakeSet, n: int) -> None:
    """A choice of as many as there are, or more, is the whole set, each face once."""
    faces = face_set(*(Label(float(age)) for age in range(5)))
    assert sorted(face.name for face in choose_stratified(faces, n)) == [
        face.name for face in faces.faces
    ]


@pytest.mark.parametrize("n", [0, -1])
def test_a_choice_of_none_is_refused(face_set: MakeSet, n: int) -> None:
    """Choosing no face is a mistake in the command."""
    with pytest.raises(UsageError, match=f"cannot choose {n} faces"):
        choose_stratified(face_set(Label()), n)


def test_a_real_set_is_spread(shared_data: Path) -> None:
    """Of UTKFace's calibration faces 300 hold all decades, genders and ethnicities, no decade of
    adults more than three times another that is not used up."""
    faces = read_faces(shared_data / "data" / "utkface-calib.tar")
    chosen = choose_stratified(faces, 300)
    assert len({face.digest for face in chosen}) == 300
    whole, part = (Counter(face.label.decade for face in group) for group in (faces.faces, chosen))
    assert part.keys() == whole.keys()
    full = [count for decade, count in part.items() if count < whole[decade]]
    assert max(full) <= 3 * min(full)
