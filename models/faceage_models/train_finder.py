"""Train the finder on composed scenes.

    python -m faceage_models.train_finder --faces fairface-train.tar --out RUN [--steps N]

Run the same command again to go on where it stopped; see `trainer` for what RUN holds.
"""

import argparse
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from faceage_models.background import in_backgrounds
from faceage_models.finder_loss import finder_loss
from faceage_models.finder_network import finder_network, load_finder
from faceage_models.finder_scenes import SCENE_BYTES, training_batches
from faceage_models.keras_backend import training_keras
from faceage_models.training_command import Training, run_training, scene_source, training_parser

__all__ = ["main", "scene_loss"]

_PROGRAM = "faceage_models.train_finder"
_BATCH, _LOOKS = 32, 2
_RATE = 3e-3
# Seeds of several processes, further apart than a run has steps: it goes on with seed + step.
_APART = 10_000_000


def scene_loss(model: Any, batch: Any) -> tuple[Any, Any]:
    """The focal and the box loss of a model in training mode.

    Args:
        model: of `finder_network`.
        batch: the fields of a `SceneBatch` in their order.
    """
    ops = training_keras().ops
    frames, kinds, boxes = batch
    pixels = (ops.cast(ops.convert_to_tensor(frames), "float32") - 128.0) / 128.0
    return finder_loss(model(pixels, training=True), kinds, boxes)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the training from the command line.

    Returns:
        0 done, 1 our error, 2 usage, 130 stopped from the keyboard.
    """
    parser = training_parser(_PROGRAM, steps=10_000, batch="--batch scenes")
    parser.add_argument(
        "--batch", type=int, default=_BATCH, help="scenes a step (default: %(default)s)"
    )
    parser.add_argument(
        "--looks", type=int, default=_LOOKS,
        help="how often a scene is shown, mirrored and then varied (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--workers", type=int, default=1,
        help="processes that compose scenes (default: %(default)s)",
    )  # fmt: skip
    options = parser.parse_args(argv)
    for name in ("batch", "looks", "workers"):
        if getattr(options, name) < 1:
            parser.error(f"--{name} {getattr(options, name)} is too few, expected 1 at least")
    batches = partial(_batches, options)
    training = Training("finder", finder_network, load_finder, scene_loss, batches, _RATE)
    return run_training(_PROGRAM, options, training)


def _batches(options: argparse.Namespace, seed: int) -> Iterator[Any]:
    source, size, looks = scene_source(options), options.batch, options.looks
    calls = [(source, size, seed + _APART * one, looks) for one in range(options.workers)]
    for batch in in_backgrounds(training_batches, calls, room=size * SCENE_BYTES):
        yield batch.frames, batch.kinds, batch.boxes


if __name__ == "__main__":
    raise SystemExit(main())
