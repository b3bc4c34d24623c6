"""A network that ends in `TFLite_Detection_PostProcess`: finished boxes come out.

As the object detection API of TensorFlow exports SSD: boxes [top, left, bottom, right] as shares of
the input, classes, scores, and how many of them count.
"""

import numpy as np

from faceage_edge.candidates import Frame
from faceage_edge.errors import ContractError
from faceage_edge.letterbox import Letterbox
from faceage_edge.model import Model
from faceage_edge.nms import suppress
from faceage_edge.proposals import Proposals

__all__ = ["BoxShot"]

_HEADS = ("boxes", "box-scores", "box-classes", "box-count")


class BoxShot:
    """A loaded network of the stage `boxes`. Not safe to call from two threads at once."""

    has_landmarks = False

    def __init__(self, model: Model) -> None:
        """Wrap a loaded model.

        Raises:
            ContractError: the model is of another stage, or lacks one of its four outputs.
        """
        stage = model.contract.detector
        if stage is None or stage.stage != "boxes":
            found = stage.stage if stage else model.contract.task
            raise ContractError(f"{model.path} is a {found} model, expected boxes")
        self._model, self._stage = model, stage
        self._names = [model.contract.output(head).name for head in _HEADS]
        boxes, scores, classes, count = (model.contract.output(head).size for head in _HEADS)
        if not boxes == 4 * scores == 4 * classes or count != 1:
            raise ContractError(
                f"{model.path}: {boxes} numbers of boxes, {scores} scores, {classes} classes and "
                f"{count} counts, expected four numbers, a score and a class for each box, and one "
                "count"
            )
        self._least = float(1 / (1 + np.exp(-stage.logit_threshold)))
        self._input = Letterbox(model.contract.input.width, model.contract.input.height)

    def propose(self, frame: Frame) -> Proposals:
        """Find faces.

        Args:
            frame: uint8 (height, width, 3), BGR, any size.

        Returns:
            The surest first, overlapping ones suppressed.
        """
        picture, (across, down) = self._input.fill(frame)
        outputs = self._model.run(picture)
        boxes, scores, classes, count = (
            outputs[name].reshape(-1).astype(np.float64) for name in self._names
        )
        # Beyond the count stands whatever stood there before.
        good = np.arange(len(scores)) < count[0]
        good &= (scores > self._least) & (np.rint(classes) == self._stage.face_class)
        top, left, bottom, right = boxes.reshape(-1, 4).T
        wanted = self._model.contract.input
        corners = np.stack([left, top, right, bottom], axis=1)
        corners = corners * np.tile([wanted.width, wanted.height], 2)
        good &= np.isfinite(corners).all(axis=1) & (corners[:, 2:] > corners[:, :2]).all(axis=1)
        found = Proposals(corners, scores).pick(np.flatnonzero(good))
        kept = suppress(found.boxes, found.scores, self._stage.nms)
        return found.pick(kept).scaled(1 / across, 1 / down)
