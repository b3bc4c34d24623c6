"""What `faceage-calibrate choose` does: a stratified choice, apart from others, to a file."""

import argparse
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from faceage_calibration.apart import Forbidden, read_forbidden
from faceage_calibration.choice_file import (
    ApartFrom,
    Choice,
    ChosenFace,
    ChosenSet,
    StratumCount,
    write_choice,
)
from faceage_calibration.choose import Stratum, choose_from, stratum_of
from faceage_calibration.faces import FaceSet, LabelledFace, read_faces
from faceage_calibration.outputs import writable
from faceage_calibration.used_pictures import UsedPictures
from faceage_edge.errors import FacesError

__all__ = ["choose", "make_choice"]


def choose(options: argparse.Namespace) -> int:
    """Choose faces and write which; see cli.py for the options."""
    out = writable(options.out)
    sets = [read_faces(path, names=options.names) for path in options.faces]
    forbidden = [read_forbidden(Path(path)) for path in options.apart_from]
    choice = make_choice(
        sets, forbidden, count=options.count, seed=options.seed, spread=options.spread
    )
    write_choice(out, choice)
    taken = [stratum.chosen for stratum in choice.strata]
    print(
        f"{out}: {len(choice.faces):,} faces over {sum(map(bool, taken)):,} of {len(taken):,} "
        f"strata of age, gender and ethnicity, at most {max(taken):,} of one"
    )
    return 0


def make_choice(
    sets: Sequence[FaceSet],
    forbidden: Sequence[Forbidden],
    *,
    count: int,
    seed: int,
    spread: str = "even",
) -> Choice:
    """Choose faces of sets that share no picture with others.

    The order of the sets does not matter, and a picture that is in them more than once counts
    once, with the labels of the first set and name.

    Args:
        sets: labelled sets.
        forbidden: what to keep apart from.
        count: how many faces.
        seed: of the choice.
        spread: see choose.choose_from.

    Raises:
        FacesError: fewer faces than `count` are left.
    """
    ordered = sorted(sets, key=lambda faces: (_name(faces), faces.digest))
    used = [(one, UsedPictures(one.digests)) for one in forbidden]
    pictures = _distinct(ordered)
    apart = tuple(
        ApartFrom(one.name, len(set(one.digests)), sum(digest in known for digest in pictures))
        for one, known in sorted(used, key=lambda pair: (pair[0].name, sorted(pair[0].digests)))
    )
    left = {
        digest: place
        for digest, place in pictures.items()
        if not any(digest in known for _, known in used)
    }
    if len(left) < count:
        raise FacesError(_too_few(ordered, len(pictures), len(left), count))
    chosen = choose_from((face for _, face in left.values()), count, seed=seed, spread=spread)
    places = Counter(left[face.digest][0] for face in chosen)
    return Choice(
        seed=seed,
        sets=tuple(
            ChosenSet(_name(faces), faces.digest, len(faces.faces), places[number])
            for number, faces in enumerate(ordered)
        ),
        apart_from=apart,
        strata=_counts([face for _, face in left.values()], chosen),
        faces=tuple(
            ChosenFace(_name(ordered[left[face.digest][0]]), face.name, face.digest)
            for face in chosen
        ),
    )


def _name(faces: FaceSet) -> str:
    # Resolved, since "." and ".." name nothing.
    return faces.path.resolve().name


def _distinct(sets: Sequence[FaceSet]) -> dict[str, tuple[int, LabelledFace]]:
    """Every picture once, by its digest: the number of the set it was first seen in, and its face.

    A picture chosen twice would count double, and a smaller choice would not say so.
    """
    pictures: dict[str, tuple[int, LabelledFace]] = {}
    for number, faces in enumerate(sets):
        for face in faces.faces:
            pictures.setdefault(face.digest, (number, face))
    return pictures


def _counts(
    available: Sequence[LabelledFace], chosen: Sequence[LabelledFace]
) -> tuple[StratumCount, ...]:
    there, taken = (Counter(map(stratum_of, faces)) for faces in (available, chosen))
    return tuple(
        StratumCount(stratum, there[stratum], taken[stratum])
        for stratum in sorted(there, key=_none_last)
    )


def _none_last(stratum: Stratum) -> tuple[tuple[bool, int | str], ...]:
    return tuple((value is None, "" if value is None else value) for value in stratum)


def _too_few(sets: Sequence[FaceSet], pictures: int, left: int, count: int) -> str:
    where = ", ".join(str(faces.path) for faces in sets)
    shared = f" ({pictures - left:,} are in what --apart-from names)" if left < pictures else ""
    return (
        f"{count:,} faces were asked for, and {where} has {left:,} different ones{shared}; "
        "lower --count or give more faces"
    )
