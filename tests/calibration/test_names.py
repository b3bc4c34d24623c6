"""Ages in file names."""

import math
import random

import pytest

from faceage_calibration.labels import AgeBin, Label
from faceage_calibration.names import label_from_name, name_convention, name_of_label
from faceage_edge.errors import FacesError, UsageError

UTKFACE = "25_1_3_20170110213000002.jpg"
AMBIGUOUS = "61_1_20170109150557335.jpg"
ID_AGE_GENDER = "00042_31_F.png"


@pytest.mark.parametrize(
    ("names", "wanted", "expected"),
    [
        pytest.param([UTKFACE], None, "utkface", id="four fields"),
        pytest.param([UTKFACE, AMBIGUOUS], None, "utkface", id="one of many lacks the race"),
        pytest.param([f"train/{UTKFACE}"], None, "utkface", id="folders do not count"),
        pytest.param(["1_0_0_20161219140623097.jpg.chip.jpg"], None, "utkface", id="original"),
        pytest.param(["55_0_0_20170116232725357jpg"], None, "utkface", id="its dot is missing"),
        pytest.param(["24_0_1_20170116220224657 .jpg"], None, "utkface", id="a blank in it"),
        pytest.param(["53__0_20170116184028385.jpg"], None, "utkface", id="an empty gender"),
        pytest.param([ID_AGE_GENDER], None, "id-age-gender", id="three fields"),
        pytest.param([ID_AGE_GENDER, AMBIGUOUS], None, "id-age-gender", id="decided by the other"),
        pytest.param([AMBIGUOUS], "utkface", "utkface", id="the user says age first"),
        pytest.param([AMBIGUOUS], "id-age-gender", "id-age-gender", id="the user says id first"),
    ],
)
def test_convention_of_a_set(names: list[str], wanted: str | None, expected: str) -> None:
    """A set follows the one convention that all of its names fit."""
    assert name_convention(names, "set", wanted) == expected


def test_an_ambiguous_set_is_refused() -> None:
    """Names that fit both conventions are refused with the option that settles it."""
    with pytest.raises(FacesError, match=r"two ways.*--names utkface\|id-age-gender"):
        name_convention([AMBIGUOUS, AMBIGUOUS.replace("61", "62")], "set")


@pytest.mark.parametrize(
    ("names", "wanted", "message"),
    [
        pytest.param(["holiday.jpg"], None, "1 of 1 names carry no age", id="no labels at all"),
        pytest.param([UTKFACE, "b.jpg"], None, r"1 of 2 names.*b\.jpg", id="one of two"),
        pytest.param([UTKFACE, ID_AGE_GENDER], None, "1 of 2 names", id="mixed conventions"),
        pytest.param([UTKFACE], "id-age-gender", "1 of 1 names.*id_age_gender", id="wrong names"),
        pytest.param(["1_2_3_4_20170101.jpg"], None, "carry no age", id="five fields"),
        pytest.param(["20_0_0_1234567.jpg"], None, "carry no age", id="a date has eight digits"),
    ],
)
def test_names_without_ages_are_refused(names: list[str], wanted: str | None, message: str) -> None:
    """Names that fit no convention are counted and shown."""
    with pytest.raises(FacesError, match=message):
        name_convention(names, "set", wanted)


def test_an_unknown_convention_is_a_usage_error() -> None:
    """A convention that does not exist is refused with those that do."""
    with pytest.raises(UsageError, match=r"imdb.*utkface"):
        name_convention([UTKFACE], "set", "imdb")


@pytest.mark.parametrize(
    ("name", "convention", "label"),
    [
        pytest.param(UTKFACE, "utkface", Label(25, None, "female", "Indian"), id="all fields"),
        pytest.param(AMBIGUOUS, "utkface", Label(61, None, "female"), id="no race"),
        pytest.param("61_3_20170109150557335.jpg", "utkface", Label(61), id="no such gender"),
        pytest.param("7_0_9_20170101.jpg", "utkface", Label(7, None, "male"), id="no such race"),
        pytest.param(ID_AGE_GENDER, "id-age-gender", Label(31, None, "female"), id="a letter"),
        pytest.param("p1_31_male.png", "id-age-gender", Label(31, None, "male"), id="a word"),
        pytest.param("p1_31_0.png", "id-age-gender", Label(31, None, "0"), id="a code stays"),
        pytest.param(AMBIGUOUS, "id-age-gender", Label(1, None, "20170109150557335"), id="by id"),
    ],
)
def test_label_of_a_name(name: str, convention: str, label: Label) -> None:
    """Fields become a label; those that make no sense are left out."""
    known = name_convention([name], "set", convention)
    assert label_from_name(name, known) == label


@pytest.mark.parametrize("name", ["121_0_0_20170101.jpg", "-1_0_0_20170101.jpg"])
def test_ages_out_of_range_are_refused(name: str) -> None:
    """A name whose age nobody has is refused by name, though it fits its convention."""
    assert name_convention([name], "set") == "utkface"
    with pytest.raises(FacesError, match=rf"{name}: the age .*out of range"):
        label_from_name(name, "utkface")


def test_any_utkface_name_is_read_back() -> None:
    """Whatever is written in the UTKFace form is read back, whatever its suffix."""
    draw = random.Random(0)
    for _ in range(500):
        age, gender, race = draw.randint(0, 120), draw.randint(0, 1), draw.randint(0, 4)
        date = draw.randint(10**7, 10**17)
        suffix = draw.choice([".jpg", ".JPG", ".png", ".jpg.chip.jpg", "jpg", ""])
        name = f"{draw.choice(['', 'part1/'])}{age}_{gender}_{race}_{date}{suffix}"
        assert name_convention([name], "set") == "utkface"
        label = label_from_name(name, "utkface")
        assert (label.years, label.gender) == (age, ("male", "female")[gender])
        assert label.ethnicity is not None


def test_random_names_never_crash() -> None:
    """Any text is a convention's name or a clear refusal."""
    draw = random.Random(1)
    for _ in range(2000):
        name = "".join(draw.choices("0123456789_-.jpgMFé ", k=draw.randint(1, 25)))
        try:
            label = label_from_name(name, name_convention([name], "set"))
        except FacesError:
            continue
        assert label.years is not None and 0 <= label.years <= 120


@pytest.mark.parametrize(
    ("label", "name"),
    [
        pytest.param(Label(31.0, gender="female"), "000042_31_female.jpg", id="a word"),
        pytest.param(Label(0.0, gender="male"), "000042_0_male.jpg", id="a baby"),
        pytest.param(Label(101.0), "000042_101_unknown.jpg", id="no gender"),
    ],
)
def test_a_written_name_is_read_back(label: Label, name: str) -> None:
    """What is written into a name is the label that is read from it, and not ambiguous."""
    assert name_of_label(42, label, ".jpg") == name
    assert name_convention([name], "set") == "id-age-gender"
    assert label_from_name(name, "id-age-gender") == label


def test_a_set_s_own_word_fits_a_name() -> None:
    """What would part fields or end a name is taken out of a gender's word; years are whole."""
    written = name_of_label(1, Label(31.9, gender="non_binary/x"), ".jpg")
    assert written == "000001_31_nonbinaryx.jpg"


def test_a_span_is_written_and_needs_a_table() -> None:
    """A span in a name stays readable to people; a set with one is read by its labels.csv."""
    written = name_of_label(1, Label(bin=AgeBin(70, math.inf)), ".jpg")
    assert written == "000001_70+_unknown.jpg"
    with pytest.raises(FacesError):
        label_from_name(written, "id-age-gender")
