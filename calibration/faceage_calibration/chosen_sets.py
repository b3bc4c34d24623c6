"""The faces that a command line asks for: some of one set or of several, and how they are cut."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from faceage_calibration.choice_file import pick, read_choice
from faceage_calibration.choose import choose_from
from faceage_calibration.crops import FaceCropper
from faceage_calibration.digest_split import split_by_digest
from faceage_calibration.faces import FaceSet, read_faces
from faceage_edge.detector import named_detector
from faceage_edge.errors import UsageError
from faceage_edge.geometry import CropTemplate

__all__ = ["chosen_sets", "cropper_of", "joined", "read_sets"]


def chosen_sets(options: argparse.Namespace) -> tuple[FaceSet, ...]:
    """Read sets and keep the faces that a choice file lists, or else choose `options.count`.

    Raises:
        FacesError: a set or the choice cannot be read, or the sets lack faces of the choice.
        UsageError: a part of the sets is asked for beside a choice.
    """
    if options.choice is not None and options.part is not None:
        raise UsageError(
            "--choice names every face and --part would leave some out; give one of them"
        )
    sets = read_sets(options, labelled=False)
    if options.choice is not None:
        return sets
    if options.part is not None:
        sets = tuple(vars(split_by_digest(faces))[options.part] for faces in sets)
    owner = {id(face): number for number, faces in enumerate(sets) for face in faces.faces}
    chosen = choose_from(joined(sets).faces, options.count, seed=options.seed)
    return tuple(
        faces.only([face for face in chosen if owner[id(face)] == number])
        for number, faces in enumerate(sets)
    )


def read_sets(options: argparse.Namespace, *, labelled: bool) -> tuple[FaceSet, ...]:
    """Read the sets that the command line names; of each the faces in `options.choice`, if any.

    Raises:
        FacesError: a set or the choice cannot be read, or the sets lack faces of the choice.
    """
    # Read first: it is small, and a mistake in it need not wait for the sets.
    choice = None if options.choice is None else read_choice(Path(options.choice))
    sets = tuple(read_faces(path, names=options.names, labelled=labelled) for path in options.faces)
    return sets if choice is None else pick(choice, sets, where=options.choice)


def cropper_of(options: argparse.Namespace, template: CropTemplate) -> FaceCropper:
    """What cuts the faces as `--crops`, `--detector` and `--threads` say.

    Raises:
        FaceageError: the detector cannot be found or loaded.
    """
    detector = None
    if options.crops == "detect":
        detector = named_detector(options.detector, threads=options.threads)
    return FaceCropper(template, mode=options.crops, detector=detector)


def joined(sets: Sequence[FaceSet]) -> FaceSet:
    """Return the faces of all sets as one, for what asks for pictures and labels only.

    Its path, convention and alignment are those of the first, so it is not for cropping.
    """
    return sets[0].only([face for faces in sets for face in faces.faces])
