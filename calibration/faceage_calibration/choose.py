"""Choose some faces of a set so that every kind of face in it is among them.

Calibration on the first faces of a set would see one age or one gender only: sets are sorted.
"""

import hashlib
from collections.abc import Callable, Hashable, Iterable, Sequence
from itertools import zip_longest
from typing import TypeVar

from faceage_calibration.faces import FaceSet, LabelledFace
from faceage_edge.errors import UsageError

__all__ = ["SPREADS", "Stratum", "choose_from", "choose_stratified", "stratum_of"]

_Item = TypeVar("_Item")

# How a choice is spread over the kinds of faces.
SPREADS = ("even", "as-found")

# Decade of age, gender, ethnicity; None where the set does not say.
Stratum = tuple[int | None, str | None, str | None]


def choose_stratified(faces: FaceSet, n: int, *, seed: int = 0) -> tuple[LabelledFace, ...]:
    """Choose faces round-robin over decade of age x gender x ethnicity.

    The choice depends on the pictures, their labels and the seed alone, not on names or order, and
    a smaller choice is the beginning of a larger one.

    Args:
        faces: the set; what it does not label makes one group.
        n: how many faces.
        seed: another seed, another choice.

    Returns:
        `n` faces, or all when the set has fewer. Each round takes one face of every group that
        has any left; within a round the decades take turns, so that few faces span all ages.

    Raises:
        UsageError: `n` is below one.
    """
    return choose_from(faces.faces, n, seed=seed)


def choose_from(
    faces: Iterable[LabelledFace], n: int, *, seed: int = 0, spread: str = "even"
) -> tuple[LabelledFace, ...]:
    """Choose among faces of any sets; otherwise as `choose_stratified`.

    With the spread `as-found` every face is as likely as any other. What a choice is to speak for,
    as conformal intervals do, needs that: the even one has more of the rare ages than those it was
    chosen from, on which models err most.

    Whatever the labels leave open (which face of a stratum comes first, which stratum of a decade,
    which decade) goes to the smallest SHA-256 of the seed and the picture's digest.
    """
    if n < 1:
        raise UsageError(f"cannot choose {n} faces; expected a count of one or more")
    shuffled = sorted(faces, key=lambda face: _draw(seed, face))
    if spread == "as-found":
        return tuple(shuffled[:n])
    strata = _grouped(shuffled, stratum_of)
    by_decade = _grouped(strata, lambda stratum: stratum[0].label.decade)
    return tuple(_interleaved(_interleaved(by_decade))[:n])


def stratum_of(face: LabelledFace) -> Stratum:
    """Return what a choice is spread over: a face's decade of age, gender and ethnicity."""
    return face.label.decade, face.label.gender, face.label.ethnicity


def _draw(seed: int, face: LabelledFace) -> str:
    return hashlib.sha256(f"{seed}:{face.digest}".encode()).hexdigest()


def _grouped(items: Iterable[_Item], key: Callable[[_Item], Hashable]) -> list[list[_Item]]:
    """Groups in order of their first items, items in their own order."""
    groups: dict[Hashable, list[_Item]] = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    return list(groups.values())


def _interleaved(rows: Sequence[Sequence[_Item]]) -> list[_Item]:
    """The first of every row, then the second of every row that has one, and so on."""
    # Wrapped in tuples, so that a row's end is told from any item.
    rounds = zip_longest(*([(item,) for item in row] for row in rows), fillvalue=())
    return [item for one_round in rounds for cell in one_round for item in cell]
