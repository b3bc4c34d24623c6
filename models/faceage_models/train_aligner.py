r"""Train the aligner on squares around faces, with MTCNN's last network as teacher.

    python -m faceage_models.train_aligner --faces fairface-train.tar --out RUN \
        --finder models/face-finder/face-finder-finder.float32.tflite [--steps N]

Run the same command again to go on where it stopped; see `trainer` for what RUN holds.
"""

import argparse
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from faceage_models.aligner_network import aligner_network, load_aligner
from faceage_models.aligner_samples import aligner_batches
from faceage_models.background import in_background
from faceage_models.keras_backend import training_keras
from faceage_models.training_command import Training, run_training, scene_source, training_parser

__all__ = ["aligner_loss", "main"]

_PROGRAM = "faceage_models.train_aligner"
_BATCH = 128
_RATE = 2e-3
# A landmark off by a hundredth of the side, a fortieth of the eyes' distance, counts as much as
# a logit off by a few hundredths.
_LANDMARKS, _BOX = 8.0, 3.0


def aligner_loss(model: Any, batch: Any) -> tuple[Any, Any, Any]:
    """The terms of the loss: cross entropy, and for faces the landmarks' and the box's distance.

    Args:
        model: of `aligner_network`.
        batch: the fields of an `AlignerBatch` in their order.
    """
    ops = training_keras().ops
    crops, faces, boxes, landmarks = (ops.convert_to_tensor(values) for values in batch)
    outputs = model((ops.cast(crops, "float32") - 128.0) / 128.0, training=True)
    logits = ops.reshape(outputs["face_logit"], (-1,))
    entropy = ops.mean(ops.binary_crossentropy(faces, logits, from_logits=True))
    count = ops.maximum(ops.sum(faces), 1.0)

    def away(found: Any, wanted: Any) -> Any:
        each = ops.mean(ops.abs(ops.reshape(found, ops.shape(wanted)) - wanted), axis=1)
        return ops.sum(each * faces) / count

    return (
        entropy,
        _LANDMARKS * away(outputs["landmarks"], landmarks),
        _BOX * away(outputs["box"], boxes),
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run the training from the command line.

    Returns:
        0 done, 1 our error, 2 usage, 130 stopped from the keyboard.
    """
    parser = training_parser(_PROGRAM, steps=8000, batch=f"{_BATCH} crops")
    parser.add_argument(
        "--finder", type=Path, metavar="TFLITE", help="trained finder, to learn from its squares"
    )
    options = parser.parse_args(argv)
    batches = partial(_batches, options)
    training = Training("aligner", aligner_network, load_aligner, aligner_loss, batches, _RATE)
    return run_training(_PROGRAM, options, training)


def _batches(options: argparse.Namespace, seed: int) -> Iterator[Any]:
    source = scene_source(options)
    for batch in in_background(aligner_batches, source, _BATCH, seed, options.finder):
        yield batch.crops, batch.faces, batch.boxes, batch.landmarks


if __name__ == "__main__":
    raise SystemExit(main())
