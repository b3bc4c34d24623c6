"""Train the finder on composed scenes.

    python -m faceage_models.train_finder --faces fairface-train.tar --out RUN [--steps N]

Run the same command again to go on where it stopped; see `trainer` for what RUN holds.
"""

import argparse
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from faceage_edge.command import run
from faceage_models.background import in_background
from faceage_models.finder_loss import finder_loss
from faceage_models.finder_network import finder_network
from faceage_models.finder_scenes import SceneSource, training_batches
from faceage_models.frameworks import import_tensorflow
from faceage_models.trainer import Trainer, train

__all__ = ["main", "scene_loss"]

_BATCH = 32
_RATE = 3e-3


def scene_loss(model: Any, batch: Any) -> tuple[Any, Any]:
    """The focal and the box loss of a model in training mode.

    Args:
        model: of `finder_network`.
        batch: the fields of a `SceneBatch` in their order.
    """
    tf = import_tensorflow()
    frames, kinds, boxes = batch
    pixels = (tf.cast(frames, tf.float32) - 128.0) / 128.0
    return finder_loss(model(pixels, training=True), kinds, boxes)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the training from the command line.

    Returns:
        0 done, 1 our error, 2 usage, 130 stopped from the keyboard.
    """
    parser = argparse.ArgumentParser(prog="python -m faceage_models.train_finder")
    parser.add_argument("--faces", type=Path, required=True, help="FairFace's crops, a .tar")
    parser.add_argument("--out", type=Path, required=True, help="folder of the run")
    parser.add_argument("--backgrounds", type=Path, nargs="*", default=[], metavar="PICTURE")
    parser.add_argument("--steps", type=int, default=5000, help="of 32 scenes each")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(argv)
    # Read once, when TensorFlow loads: faster by far, and no result is compared by bytes.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

    def body() -> int:
        out: Path = options.out
        out.mkdir(parents=True, exist_ok=True)
        trainer = Trainer(finder_network, scene_loss, out, steps=options.steps, rate=_RATE)
        source = SceneSource(options.faces, tuple(options.backgrounds))
        seed = options.seed + int(trainer.step)
        batches = (
            (batch.frames, batch.kinds, batch.boxes)
            for batch in in_background(training_batches, source, _BATCH, seed)
        )
        print(train(trainer, batches, out, steps=options.steps, name="finder"))
        return 0

    return run("faceage_models.train_finder", body)


if __name__ == "__main__":
    raise SystemExit(main())
