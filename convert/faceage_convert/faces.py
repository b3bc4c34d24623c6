"""Choose the faces that a conversion records ranges on, and others that it measures on."""

import sys
from collections.abc import Collection, Sequence
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
    """Faces to record ranges on, and others to measure on, maybe none; no picture is in both.

    `interval`: sets of faces that the interval is fitted on beside those of `calibration`; they
    may be among `evaluation`, whose errors an interval does not change.
    """

    calibration: FaceSet
    evaluation: FaceSet
    interval: tuple[FaceSet, ...] = ()


def choose_faces(
    path: Path,
    evaluation_path: Path | None,
    *,
    names: str | None,
    count: int,
    most: int,
    choice: Path | None = None,
    interval_choice: Path | None = None,
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
        interval_choice: a file that names faces of either set for the interval.

    Raises:
        FacesError: a set or a choice cannot be read or is too small, the sets lack faces of a
            choice, or calibration and evaluation share pictures.
    """
    # Read first: they are small, and a mistake in them need not wait for the faces.
    named, for_interval = (
        None if file is None else read_choice(file) for file in (choice, interval_choice)
    )
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
    chosen: tuple[FaceSet, ...] = ()
    if for_interval is not None:
        sets = [faces] if evaluation_path is None else [faces, evaluation]
        chosen = _apart(pick(for_interval, sets, where=str(interval_choice)), taken)
    if len(evaluation.faces) > most:
        evaluation = evaluation.only(choose_stratified(evaluation, most, seed=1))
    return FaceChoice(calibration, evaluation, chosen)


def _apart(sets: Sequence[FaceSet], taken: Collection[str]) -> tuple[FaceSet, ...]:
    """Sets without the pictures of these digests, and none that is then empty."""
    left = [one.only([face for face in one.faces if face.digest not in taken]) for one in sets]
    return tuple(one for one in left if one.faces)


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
