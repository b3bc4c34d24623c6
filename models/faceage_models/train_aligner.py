r"""Train the aligner on squares around faces, with MTCNN's last network as teacher.

    python -m faceage_models.train_aligner --faces fairface-train.tar --out RUN \
        --finder models/face-finder/face-finder-finder.float32.tflite [--steps N]

Run the same command again to go on where it stopped; see `trainer` for what RUN holds.
"""

import argparse
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from faceage_edge.command import run
from faceage_models.aligner_network import aligner_network
from faceage_models.aligner_samples import aligner_batches
from faceage_models.background import in_background
from faceage_models.finder_scenes import SceneSource
from faceage_models.frameworks import import_tensorflow
from faceage_models.trainer import Trainer, train

__all__ = ["aligner_loss", "main"]

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
    tf = import_tensorflow()
    crops, faces, boxes, landmarks = batch
    outputs = model((tf.cast(crops, tf.float32) - 128.0) / 128.0, training=True)
    logits = tf.reshape(outputs["face_logit"], (-1,))
    entropy = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(faces, logits))
    count = tf.maximum(tf.reduce_sum(faces), 1.0)

    def away(found: Any, wanted: Any) -> Any:
        each = tf.reduce_mean(tf.abs(tf.reshape(found, tf.shape(wanted)) - wanted), axis=1)
        return tf.reduce_sum(each * faces) / count

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
    parser = argparse.ArgumentParser(prog="python -m faceage_models.train_aligner")
    parser.add_argument("--faces", type=Path, required=True, help="FairFace's crops, a .tar")
    parser.add_argument("--out", type=Path, required=True, help="folder of the run")
    parser.add_argument("--backgrounds", type=Path, nargs="*", default=[], metavar="PICTURE")
    parser.add_argument(
        "--finder", type=Path, metavar="TFLITE", help="trained finder, to learn from its mistakes"
    )
    parser.add_argument("--steps", type=int, default=8000, help="of 128 crops each")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(argv)
    # Read once, when TensorFlow loads: faster by far, and no result is compared by bytes.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

    def body() -> int:
        out: Path = options.out
        out.mkdir(parents=True, exist_ok=True)
        trainer = Trainer(aligner_network, aligner_loss, out, steps=options.steps, rate=_RATE)
        source = SceneSource(options.faces, tuple(options.backgrounds))
        seed = options.seed + int(trainer.step)
        batches = (
            (batch.crops, batch.faces, batch.boxes, batch.landmarks)
            for batch in in_background(aligner_batches, source, _BATCH, seed, options.finder)
        )
        print(train(trainer, batches, out, steps=options.steps, name="aligner"))
        return 0

    return run("faceage_models.train_aligner", body)


if __name__ == "__main__":
    raise SystemExit(main())
