"""Teach a small network what larger ones answer (Hinton et al., arXiv:1503.02531).

CORAL's targets are probabilities of being older than each rank. Those of the teachers, mean over
all, are mixed into the labels': between 31 and 32 a label knows only yes and no, a teacher says how
sure one may be of this face. Ranks inside a bin, which its label leaves open, are the teachers'
alone.
"""

import hashlib
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from faceage_calibration.progress import Progress
from faceage_edge.atomic import write_bytes
from faceage_edge.errors import UsageError
from faceage_models.age_batches import resized
from faceage_models.age_faces import TrainingFaces, middle
from faceage_models.age_heads import RANKS
from faceage_models.crop_answers import answers_of
from faceage_models.keras_backend import training_keras
from faceage_models.keras_loading import load_keras
from faceage_models.layer_weights import UNREADABLE

__all__ = ["Teachers", "asked_once", "kept_answers", "taught"]

_ASKED_AT_ONCE = 256

Floats = NDArray[np.float32]


class Teachers:
    """Trained age models with CORAL heads, asked together."""

    def __init__(self, paths: Sequence[Path]) -> None:
        """Load them.

        Raises:
            ModelFileError: a file is missing, damaged or no model of ours.
            UsageError: one has another head, or its input is not square.
        """
        self._models = []
        self.digests: list[str] = []
        for path in paths:
            model = load_keras(path, training_keras())
            _, height, width, _ = model.input_shape
            if model.output_shape[-1] != RANKS or height != width:
                raise UsageError(
                    f"{path} cannot teach: expected square crops and the {RANKS} ranks of a CORAL "
                    f"head, found {model.input_shape[1:]} to {model.output_shape[1:]}"
                )
            self._models.append((int(width), answers_of(model)))
            self.digests.append(hashlib.sha256(path.read_bytes()).hexdigest())

    @property
    def sides(self) -> tuple[int, ...]:
        """Of the crops they look at, in pixels."""
        return tuple(sorted({side for side, _ in self._models}))

    def probabilities(self, crops: Mapping[int, NDArray[np.uint8]]) -> Floats:
        """How likely each face is older than each rank, mean over the teachers.

        Args:
            crops: by side, uint8 (n, side, side, 3), RGB.

        Returns:
            float32 (n, 100), 0 to 1.
        """
        answers = [ask(crops[side]) for side, ask in self._models]
        return np.asarray(np.mean([_sigmoid(logits) for logits in answers], axis=0), np.float32)


def asked_once(teachers: Teachers, faces: TrainingFaces, kept: Path) -> Floats:
    """What teachers say of each face unworn, the mean of it as it is and in a mirror.

    For hosts too slow to ask them every time.

    Args:
        teachers: one or more.
        faces: all that will be learnt from.
        kept: .npz that the answers are written to, and read from when it is of these teachers and
            faces.

    Returns:
        float32 (n, 100), 0 to 1.

    Raises:
        UsageError: `kept` is there and no such file.
    """
    digests = np.array([*teachers.digests, *faces.digests])
    if kept.exists():
        of, probabilities = _read(kept)
        if np.array_equal(of, digests):
            return probabilities
    bar = Progress("faces the teachers are asked about", len(faces.digests))
    answers = []
    for start in range(0, len(faces.digests), _ASKED_AT_ONCE):
        part = middle(faces.canvases[start : start + _ASKED_AT_ONCE], faces.template)
        crops = {side: resized(part, side) for side in teachers.sides}
        mirrored = {side: np.ascontiguousarray(some[:, :, ::-1]) for side, some in crops.items()}
        both = teachers.probabilities(crops) + teachers.probabilities(mirrored)
        answers.append(np.asarray(both / 2, np.float32))
        bar(start + len(part))
    probabilities = np.concatenate(answers)
    data = io.BytesIO()
    np.savez(data, digests=digests, probabilities=probabilities)
    write_bytes(kept, data.getvalue())
    return probabilities


def kept_answers(path: Path, faces: TrainingFaces) -> Floats:
    """What teachers said of these faces when another run asked them once.

    Args:
        path: .npz that `asked_once` wrote; it may hold more faces, in any order, and may be of
            crops of another size.
        faces: all that will be learnt from.

    Returns:
        float32 (n, 100), 0 to 1.

    Raises:
        UsageError: it cannot be read, is no such file, or lacks faces.
    """
    digests, probabilities = _read(path)
    # The teachers' own stand before the faces'.
    of_faces = digests[len(digests) - len(probabilities) :].tolist()
    row = {digest: at for at, digest in enumerate(of_faces)}
    lacking = sum(digest not in row for digest in faces.digests)
    if lacking:
        raise UsageError(
            f"{path} lacks {lacking:,} of the {len(faces.digests):,} faces of --data; expected the "
            "teachers.npz of a run on all of them"
        )
    return probabilities[[row[digest] for digest in faces.digests]]


def taught(targets: Floats, probabilities: Floats, share: float) -> Floats:
    """CORAL targets with the teachers' opinion mixed in.

    Args:
        targets: (n, 2 x 100), see `age_heads`: older than the rank; and whether that is known.
            What stands behind these is left as it is.
        probabilities: (n, 100), 0 to 1.
        share: of the teachers where the label knows, 0 to 1; elsewhere theirs is all there is.

    Returns:
        float32 of the same shape, all ranks known.
    """
    older, known, more = np.split(targets, [RANKS, 2 * RANKS], axis=1)
    mixed = np.where(known > 0, (1 - share) * older + share * probabilities, probabilities)
    return np.concatenate([mixed, np.ones_like(mixed), more], axis=1).astype(np.float32)


def _read(path: Path) -> tuple[NDArray[np.str_], Floats]:
    """Digests of the teachers and, behind them, of the faces; and what was said of these."""
    try:
        # Opened here, because numpy leaves a damaged file open.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            return arrays["digests"], np.asarray(arrays["probabilities"], np.float32)
    except UNREADABLE as error:
        raise UsageError(
            f"cannot read teachers' answers from {path} ({error}); expected the teachers.npz of a "
            "run with --teacher-once"
        ) from error


def _sigmoid(logits: Floats) -> Floats:
    # Beyond 30 a float32 is 0 or 1 anyway.
    return np.asarray(1 / (1 + np.exp(-np.clip(logits, -30, 30))), np.float32)
