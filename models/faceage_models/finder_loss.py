"""The finder's loss: focal loss of the face logits, and how little boxes overlap their faces."""

from collections.abc import Mapping
from typing import Any

from faceage_models.finder_network import STRIDES
from faceage_models.finder_targets import FACE, IGNORED
from faceage_models.keras_backend import training_keras

__all__ = ["box_loss", "finder_loss", "focal_loss"]

# Lin et al., arXiv:1708.02002, table 1b: the best pair is gamma 2, alpha 0.25; with few cells a
# face, faces deserve the larger share, and FCOS's centre cells are few.
_GAMMA, _ALPHA = 2.0, 0.5
_SMALLEST_SIDE = 0.05


def finder_loss(
    outputs: Mapping[str, Any], kinds: Mapping[int, Any], boxes: Mapping[int, Any]
) -> tuple[Any, Any]:
    """Sum the loss over the grids.

    Args:
        outputs: of `finder_network`.
        kinds: by stride, numbers (n, rows, columns), see `finder_targets`.
        boxes: by stride, float32 (n, rows, columns, 4).

    Returns:
        Two scalars: the focal loss and the box loss, each a mean over the cells that are faces.
    """
    ops = training_keras().ops
    focal, overlap, faces = 0.0, 0.0, 0.0
    for stride in STRIDES:
        kind = ops.convert_to_tensor(kinds[stride])
        here = ops.cast(ops.equal(kind, FACE), "float32")
        logits = outputs[f"logits{stride}"][..., 0]
        focal += ops.sum(focal_loss(logits, kind))
        overlap += ops.sum(box_loss(outputs[f"boxes{stride}"], boxes[stride]) * here)
        faces += ops.sum(here)
    faces = ops.maximum(faces, 1.0)
    return focal / faces, overlap / faces


def focal_loss(logits: Any, kinds: Any) -> Any:
    """Focal loss of each cell, 0 where it is IGNORED; float32 of the arguments' shape."""
    ops = training_keras().ops
    here = ops.cast(ops.equal(kinds, FACE), "float32")
    counted = ops.cast(ops.not_equal(kinds, IGNORED), "float32")
    entropy = ops.binary_crossentropy(here, logits, from_logits=True)
    wrong = ops.abs(here - ops.sigmoid(logits))
    weight = here * _ALPHA + (1 - here) * (1 - _ALPHA)
    return counted * weight * wrong**_GAMMA * entropy


def box_loss(found: Any, wanted: Any) -> Any:
    """One minus the generalised overlap of two boxes around the same point.

    Rezatofighi et al., arXiv:1902.09630.

    Args:
        found: float32 (..., 4), distances to left, top, right, bottom; negative ones are pulled
            back to nought.
        wanted: float32 (..., 4).

    Returns:
        float32 (...), 0 for equal boxes, below 2.
    """
    ops = training_keras().ops
    found, wanted = ops.convert_to_tensor(found), ops.convert_to_tensor(wanted)
    inside = ops.maximum(found, 0.0)
    width = ops.maximum(inside[..., 0] + inside[..., 2], _SMALLEST_SIDE)
    height = ops.maximum(inside[..., 1] + inside[..., 3], _SMALLEST_SIDE)
    wanted_area = (wanted[..., 0] + wanted[..., 2]) * (wanted[..., 1] + wanted[..., 3])
    # Distances to left and top may be negative where a face's middle cell is not inside it.
    least, most = ops.minimum(inside, wanted), ops.maximum(inside, wanted)
    shared = ops.maximum(least[..., 0] + least[..., 2], 0.0) * ops.maximum(
        least[..., 1] + least[..., 3], 0.0
    )
    union = ops.maximum(width * height + wanted_area - shared, 1e-6)
    around = ops.maximum((most[..., 0] + most[..., 2]) * (most[..., 1] + most[..., 3]), 1e-6)
    negative = ops.sum(ops.maximum(-found, 0.0), axis=-1)
    return 2.0 - shared / union - union / around + negative
