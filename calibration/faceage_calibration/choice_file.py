"""The file that a choice of faces is kept in, so that others can use it or keep away from it.

JSON: schema, seed, count, sets (name, digest, faces, chosen), apart_from (name, pictures,
left_out), strata (decade, gender, ethnicity, available, chosen) and faces (set, name, digest),
sorted. Sets are named without the folders they lie in; pictures are known by the SHA-256 of their
files, so that a set may be renamed, moved or packed otherwise.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from faceage_calibration.choose import Stratum
from faceage_calibration.faces import FaceSet, LabelledFace
from faceage_edge.atomic import write_text
from faceage_edge.errors import FacesError

__all__ = [
    "CHOICE_SCHEMA",
    "ApartFrom",
    "Choice",
    "ChosenFace",
    "ChosenSet",
    "StratumCount",
    "pick",
    "read_choice",
    "write_choice",
]

CHOICE_SCHEMA = "faceage-choice/1"

_DIGEST_DIGITS = 64


@dataclass(frozen=True)
class ChosenSet:
    """A set that was chosen from: its name, digest and number of faces, and how many of them."""

    name: str
    digest: str
    faces: int
    chosen: int


@dataclass(frozen=True)
class ApartFrom:
    """What the choice shares no picture with; `left_out` pictures of the sets were in it."""

    name: str
    pictures: int
    left_out: int


@dataclass(frozen=True)
class StratumCount:
    """How many faces of a stratum there were to choose from, and how many were chosen."""

    stratum: Stratum
    available: int
    chosen: int

    def to_json(self) -> dict[str, Any]:
        """The entry in the file; null where the set does not say."""
        decade, gender, ethnicity = self.stratum
        return {
            "decade": decade,
            "gender": gender,
            "ethnicity": ethnicity,
            "available": self.available,
            "chosen": self.chosen,
        }


@dataclass(frozen=True)
class ChosenFace:
    """One face: its set's name, its name there, and the SHA-256 of its file in hex."""

    set: str
    name: str
    digest: str


@dataclass(frozen=True)
class Choice:
    """What a choice file says."""

    seed: int
    sets: tuple[ChosenSet, ...]
    apart_from: tuple[ApartFrom, ...]
    strata: tuple[StratumCount, ...]
    faces: tuple[ChosenFace, ...]

    @property
    def digests(self) -> tuple[str, ...]:
        """The digests of the chosen pictures, sorted."""
        return tuple(sorted(face.digest for face in self.faces))


def write_choice(path: Path, choice: Choice) -> None:
    """Write a choice file, one face a line; OutputError when it cannot be.

    The same choice gives the same bytes.
    """
    faces = sorted(choice.faces, key=lambda face: (face.set, face.name, face.digest))
    parts = {
        "sets": map(vars, choice.sets),
        "apart_from": map(vars, choice.apart_from),
        "strata": (count.to_json() for count in choice.strata),
        "faces": map(vars, faces),
    }
    head = {"schema": CHOICE_SCHEMA, "seed": choice.seed, "count": len(faces)}
    fields = [f" {json.dumps(key)}: {json.dumps(value)}" for key, value in head.items()]
    fields += [f" {json.dumps(key)}: {_lines(rows)}" for key, rows in parts.items()]
    write_text(path, "{\n" + ",\n".join(fields) + "\n}\n")


def read_choice(path: Path) -> Choice:
    """Read a choice file.

    Raises:
        FacesError: missing, unreadable, not JSON, of another schema, or damaged.
    """
    try:
        document = json.loads(path.read_bytes())
    except OSError as error:
        raise FacesError(
            f"cannot read the choice {path}: {error.strerror or error}; "
            "make one with faceage-calibrate choose"
        ) from error
    except (ValueError, RecursionError) as error:
        raise FacesError(f"{path} is no choice of faces: it is not JSON ({error})") from error
    try:
        return _parse(document)
    except (KeyError, TypeError, ValueError) as error:
        what = f"{error} is missing" if isinstance(error, KeyError) else error
        raise FacesError(
            f"{path} is no choice of faces of schema {CHOICE_SCHEMA} ({what}); "
            "make it again with faceage-calibrate choose"
        ) from error


def pick(choice: Choice, sets: Sequence[FaceSet], *, where: str) -> tuple[FaceSet, ...]:
    """Find the faces of a choice in sets.

    Args:
        choice: what was chosen.
        sets: the sets it was chosen from, or others that hold the same pictures.
        where: the choice file, for messages.

    Returns:
        Each set with its chosen faces only, in the order of their digests: the order that names
        or packing give does not matter. A picture that is there more than once is taken once,
        under its name in the choice when it has it.

    Raises:
        FacesError: faces of the choice are in none of the sets.
    """
    places: dict[str, list[tuple[int, LabelledFace]]] = {}
    for number, faces in enumerate(sets):
        for face in faces.faces:
            places.setdefault(face.digest, []).append((number, face))
    if missing := [face for face in choice.faces if face.digest not in places]:
        raise FacesError(
            f"{where}: {len(missing):,} of its {len(choice.faces):,} faces are not in "
            f"{', '.join(str(faces.path) for faces in sets)} ({missing[0].name} of "
            f"{missing[0].set}); it was made from {', '.join(one.name for one in choice.sets)}: "
            "give all of them with --faces"
        )
    found: list[list[LabelledFace]] = [[] for _ in sets]
    for digest, wanted in sorted({face.digest: face for face in choice.faces}.items()):
        named = [place for place in places[digest] if place[1].name == wanted.name]
        number, face = (named or places[digest])[0]
        found[number].append(face)
    return tuple(faces.only(some) for faces, some in zip(sets, found, strict=True))


def _lines(rows: Iterable[Any]) -> str:
    written = ",\n".join(f"  {json.dumps(row)}" for row in rows)
    return f"[\n{written}\n ]" if written else "[]"


def _parse(document: Any) -> Choice:
    if document["schema"] != CHOICE_SCHEMA:
        raise ValueError(f"found schema {document['schema']!r}")
    faces = tuple(_face(entry) for entry in document["faces"])
    if not faces or len(faces) != document["count"]:
        raise ValueError(f"it lists {len(faces):,} faces and says {document['count']!r}")
    return Choice(
        seed=int(document["seed"]),
        sets=tuple(ChosenSet(**entry) for entry in document["sets"]),
        apart_from=tuple(ApartFrom(**entry) for entry in document["apart_from"]),
        strata=tuple(
            StratumCount(
                (entry["decade"], entry["gender"], entry["ethnicity"]),
                entry["available"],
                entry["chosen"],
            )
            for entry in document["strata"]
        ),
        faces=faces,
    )


def _face(entry: Any) -> ChosenFace:
    face = ChosenFace(str(entry["set"]), str(entry["name"]), str(entry["digest"]).lower())
    if len(face.digest) != _DIGEST_DIGITS or not set(face.digest) <= set("0123456789abcdef"):
        raise ValueError(f"the digest of {face.name} is no SHA-256 in hex: {face.digest!r}")
    return face
