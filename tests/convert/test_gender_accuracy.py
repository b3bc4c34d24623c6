"""How often the gender is told right before and after a conversion."""

from faceage_calibration.labels import Label
from faceage_convert.gender_accuracy import GenderAccuracy, gender_accuracy, gender_lines


def shares(*male: float) -> list[dict[str, float]]:
    """What a model says of faces, by how likely each is a man's."""
    return [{"male": one, "female": 1 - one} for one in male]


LABELS = [Label(gender=one) for one in ("male", "male", "female", "male", None, "other")]


def test_shares_of_faces_that_say_it() -> None:
    """Faces without a label, or with another than the model's, are left out."""
    before, after = shares(0.9, 0.6, 0.1, 0.8, 0.2, 0.2), shares(0.8, 0.4, 0.2, 0.7, 0.9, 0.9)
    found = gender_accuracy(before, after, LABELS)
    assert found == GenderAccuracy(n=4, float32=1.0, int8=0.75, alike=0.75, majority=0.75)


def test_nothing_is_known() -> None:
    """A model that says none, and faces that say none."""
    assert gender_accuracy((), (), LABELS) is None
    assert gender_accuracy(shares(0.5), shares(0.5), [Label(years=3.0)]) is None


def test_words() -> None:
    """The report has a line of it, or none."""
    figures = {"n": 1200, "float32": 0.9, "int8": 0.875, "alike": 0.95, "majority": 0.5}
    (line,) = gender_lines({"gender": figures}, "int8")
    assert "float 90.0%, int8 87.5% of the 1,200 faces" in line and "commonest: 50.0%" in line
    assert gender_lines({"gender": None}, "int8") == gender_lines({}, "int8") == []
