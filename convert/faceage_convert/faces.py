"""Choose the faces that a conversion records ranges on, and others that it measures on."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from faceage_calibration.choice_file import pick, read_choice
from faceage_calibration.choose import choose_stratified
from faceage_calibration.faces import FaceSet, check_disjoint, read_faces
from faceage_calibration.label_file import LABEL_FILE
from faceage_calibration.labels import Label
from faceage_calibration.listing import list_files
from faceage_calibration.names import CONVENTIONS, NameConvention, name_convention
from faceage_convert.verify import PICTURES
from faceage_edge.errors import FacesError

__all__ = ["NAMES", "FaceChoice", "choose_faces"]

_NONE = "none"
NAMES = (*CONVENTIONS, _NONE)


@dataclass(frozen=True)
class FaceChoice:
    """Faces to record ranges on, and others to measure on, maybe none; no picture is in both."""

    calibration: FaceSet
    evaluation: FaceSet


def choose_faces(
    path: Path,
    evaluation_path: Path | None,
    *,
    names: str | None,
    count: int,
    most: int,
    choice: Path | None = None,
) -> FaceChoice:
    """Choose calibration faces, stratified by age, gender and ethnicity, and evaluation faces.

    Args:
        path: folder or tar of faces; with ages by name or labels.csv, or without.
        evaluation_path: a second set to measure on; None takes what is left of the first.
        names: one of `NAMES` where names fit more than one convention, or carry no ages.
        count: calibration faces; at most half of the set when it also serves for measuring,
            unless that leaves fewer than verification needs.
        most: evaluation faces at most.
        choice: a file that names the calibration faces; `count` is not looked at then.

    Raises:
        FacesError: a set or the choice cannot be read or is too small, the set lacks faces of the
            choice, or calibration and evaluation share pictures.
    """
    # Read first: it is small, and a mistake in it need not wait for the faces.
    named = None if choice is None else read_choice(choice)
    faces = _read(path, names)
    _check_enough(faces, str(path))
    if named is None:
        room = len(faces.faces) if evaluation_path else max(len(faces.faces) // 2, PICTURES)
        calibration = faces.only(choose_stratified(faces, min(count, room)))
    else:
        (calibration,) = pick(named, [faces], where=str(choice))
        _check_enough(calibration, str(choice))
    taken = {face.digest for face in calibration.faces}
    if evaluation_path is not None:
        evaluation = _read(evaluation_path, names)
        check_disjoint(taken, evaluation)
    else:
        evaluation = faces.only([face for face in faces.faces if face.digest not in taken])
    if len(evaluation.faces) > most:
        evaluation = evaluation.only(choose_stratified(evaluation, most, seed=1))
    return FaceChoice(calibration, evaluation)


def _check_enough(faces: FaceSet, where: str) -> None:
    if len(faces.faces) < PICTURES:
        raise FacesError(
            f"too few faces in {where}: {len(faces.faces)}, expected {PICTURES} or more; ranges "
            "from few clip what others need, 300 of the kind that the camera will see are good"
        )


def _read(path: Path, names: str | None) -> FaceSet:
    """Read a set with its labels, or without where it has none.

    A set whose labels are wrong or incomplete is an error: which faces are chosen, and whether
    anything is measured, depends on them.
    """
    if names == _NONE:
        return _unlabelled(read_faces(path, labelled=False))
    try:
        return read_faces(path, names=names)
    except FacesError as error:
        faces = read_faces(path, labelled=False)
        if names is not None or _has_labels(path, [face.name for face in faces.faces]):
            raise FacesError(f"{error}; or use them without ages: --names {_NONE}") from error
        print(
            f"note: the names in {path} carry no ages and there is no {LABEL_FILE}: its faces are "
            "used without, and errors in years cannot be measured",
            file=sys.stderr,
        )
        return faces


def _unlabelled(faces: FaceSet) -> FaceSet:
    bare = tuple(replace(face, label=Label()) for face in faces.faces)
    return replace(faces, convention="unlabelled", faces=bare)


def _has_labels(path: Path, names: Sequence[str]) -> bool:
    """Whether a set means to be labelled: by a table, or by a name that fits a convention."""
    if any(PurePosixPath(name).name.lower() == LABEL_FILE for name in list_files(path)):
        return True
    return any(_fits(name, convention) for name in names for convention in CONVENTIONS)


def _fits(name: str, convention: NameConvention) -> bool:
    try:
        name_convention([name], name, convention)
    except FacesError:
        return False
    return True
