"""What models told of genders, against the labels."""

from faceage_calibration.gender_told import gender_told

LABELS = ["male", None, "female", "other", "male", "male"]
TOLD = ["male", "male", "male", "female", "female", "male"]
OTHER = ["male", "female", "female", "male", "male", "male"]


def test_faces_whose_label_is_told_apart() -> None:
    """Four of six; one model misses two of them, the other none."""
    found = gender_told(LABELS, ("male", "female"), TOLD, OTHER)
    assert found is not None
    assert (found.n, found.majority) == (4, 0.75)
    assert [right.tolist() for right in found.right] == [[True, False, False, True], [True] * 4]
    assert found.told[0].tolist() == ["male", "male", "female", "male"]


def test_no_face_says_it() -> None:
    """Neither without labels nor with words that the model does not know."""
    assert gender_told([None, "other"], ("male", "female"), ["male", "male"]) is None
    assert gender_told([], ("male", "female"), []) is None
