"""Split a set into test, choice and training faces by the digests of the pictures.

A digest says nothing about the face, so the parts are alike; and whoever has the pictures has the
same parts, whatever the files are called and however they are packed.
"""

from dataclasses import dataclass

from faceage_calibration.faces import FaceSet
from faceage_edge.errors import FacesError

__all__ = ["CHOICE_FACES", "PARTS", "TEST_FACES", "DigestSplit", "split_by_digest"]

# Sizes of the two smaller parts of FairFace's 8,935 crops.
TEST_FACES = 1500
CHOICE_FACES = 1500
PARTS = ("train", "choice", "test")


@dataclass(frozen=True)
class DigestSplit:
    """The parts: `test` for stating figures only, `choice` for thresholds, `train` for the rest."""

    test: FaceSet
    choice: FaceSet
    train: FaceSet


def split_by_digest(
    faces: FaceSet, *, test: int = TEST_FACES, choice: int = CHOICE_FACES
) -> DigestSplit:
    """Split a set: the smallest SHA-256 digests are the test part, the next the choice part.

    Args:
        faces: the set.
        test: faces in the test part.
        choice: faces in the choice part.

    Raises:
        FacesError: nothing would be left to train on.
    """
    if len(faces.faces) <= test + choice:
        raise FacesError(
            f"{faces.path} holds {len(faces.faces):,} faces, and {test:,} are set aside for tests "
            f"and {choice:,} for choosing; give a set with more"
        )
    ordered = sorted(faces.faces, key=lambda face: face.digest)
    return DigestSplit(
        faces.only(ordered[:test]),
        faces.only(ordered[test : test + choice]),
        faces.only(ordered[test + choice :]),
    )
