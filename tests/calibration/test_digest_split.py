"""The split by digests."""

from collections.abc import Callable
from itertools import chain

import pytest

from faceage_calibration.digest_split import split_by_digest
from faceage_calibration.faces import FaceSet
from faceage_calibration.labels import Label
from faceage_edge.errors import FacesError

MakeSet = Callable[..., FaceSet]


def test_parts_are_disjoint_and_complete(face_set: MakeSet) -> None:
    """Every face is in one part; the smallest digests are the test part."""
    faces = face_set(*[Label()] * 30)
    split = split_by_digest(faces, test=5, choice=7)
    parts = [[face.digest for face in part.faces] for part in vars(split).values()]
    assert list(map(len, parts)) == [5, 7, 18]
    assert list(chain(*parts)) == sorted(face.digest for face in faces.faces)


def test_the_order_of_the_set_does_not_matter(face_set: MakeSet) -> None:
    """Another order of the same pictures gives the same parts."""
    faces = face_set(*[Label()] * 20)
    turned = faces.only(faces.faces[::-1])
    one, other = (split_by_digest(some, test=4, choice=4) for some in (faces, turned))
    assert [face.digest for face in one.train.faces] == [face.digest for face in other.train.faces]


def test_a_set_can_be_too_small(face_set: MakeSet) -> None:
    """Nothing would be left to train on."""
    with pytest.raises(FacesError, match="holds 12 faces, and 5 are set aside"):
        split_by_digest(face_set(*[Label()] * 12), test=5, choice=7)
