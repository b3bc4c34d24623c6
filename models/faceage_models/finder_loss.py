"""The finder's loss: what it says of each anchor, where it says the face is, and how near it stays
to its teacher."""

from collections.abc import Mapping
from typing import Any

from faceage_models.finder_network import STRIDES
from faceage_models.finder_targets import FACE, IGNORED
from faceage_models.keras_backend import training_keras

__all__ = ["apart", "finder_loss", "focal_loss"]

# Lin et al., arXiv:1708.02002, table 1b: the best pair is gamma 2, alpha 0.25; with few anchors a
# face, faces deserve the larger share.
_GAMMA, _ALPHA = 2.0, 0.5
# Where the box's loss turns from square to straight (Girshick, arXiv:1504.08083: 1).
_TURN = 1.0


def finder_loss(
    outputs: Mapping[str, Any], kinds: Mapping[int, Any], boxes: Mapping[int, Any]
) -> tuple[Any, Any]:
    """Sum the loss over the grids.

    Args:
        outputs: of `finder_network`.
        kinds: by stride, numbers (n, rows, columns, k), see `finder_targets`.
        boxes: by stride, float32 (n, rows, columns, k, 4).

    Returns:
        Two scalars: the focal loss and the box loss, each a mean over the anchors that are faces.
    """
    ops = training_keras().ops
    focal, moved, faces = 0.0, 0.0, 0.0
    for stride in STRIDES:
        kind = ops.convert_to_tensor(kinds[stride])
        here = ops.cast(ops.equal(kind, FACE), "float32")
        focal += ops.sum(focal_loss(outputs[f"logits{stride}"], kind))
        found = ops.reshape(outputs[f"boxes{stride}"], ops.shape(boxes[stride]))
        moved += ops.sum(_smooth(found - boxes[stride]) * here[..., None])
        faces += ops.sum(here)
    faces = ops.maximum(faces, 1.0)
    return focal / faces, moved / faces


def focal_loss(logits: Any, kinds: Any) -> Any:
    """Focal loss of each anchor, 0 where it is IGNORED; float32 of the arguments' shape."""
    ops = training_keras().ops
    here = ops.cast(ops.equal(kinds, FACE), "float32")
    counted = ops.cast(ops.not_equal(kinds, IGNORED), "float32")
    entropy = ops.binary_crossentropy(here, logits, from_logits=True)
    wrong = ops.abs(here - ops.sigmoid(logits))
    weight = here * _ALPHA + (1 - here) * (1 - _ALPHA)
    return counted * weight * wrong**_GAMMA * entropy


def _smooth(off: Any) -> Any:
    ops = training_keras().ops
    size = ops.abs(off)
    return ops.where(size < _TURN, size**2 / (2 * _TURN), size - _TURN / 2)


def apart(own: Any, teacher: Any) -> Any:
    """How far a layer is from its teacher's: the share of the teacher's variance that it misses.

    Args:
        own: float32 (n, rows, columns, channels).
        teacher: as `own`.

    Returns:
        A scalar, 0 where they are equal, 1 where only the mean of each channel is right.
    """
    ops = training_keras().ops
    missed = ops.sum(ops.mean((own - teacher) ** 2, axis=(0, 1, 2)))
    return missed / ops.maximum(ops.sum(ops.var(teacher, axis=(0, 1, 2))), 1e-6)
