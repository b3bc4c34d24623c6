"""The command line of a detector network's trainer, but for what is its own."""

import argparse
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from faceage_edge.command import run
from faceage_models.finder_scenes import SceneSource
from faceage_models.learning_step import Loss
from faceage_models.trainer import Trainer, train

__all__ = ["Training", "run_training", "scene_source", "training_parser"]


@dataclass(frozen=True)
class Training:
    """What is trained: the network, its loss and its batches.

    `name` is the network's and its weights' file's, `build` makes the Keras model, `load` too, with
    the weights of an .npz, `loss` is as `Trainer` wants it, `batches` goes from a seed to batches
    without end, each a structure of arrays, `rate` is the highest learning rate.
    """

    name: str
    build: Callable[[], Any]
    load: Callable[[Path], Any]
    loss: Loss
    batches: Callable[[int], Iterator[Any]]
    rate: float


def training_parser(program: str, *, steps: int, batch: str) -> argparse.ArgumentParser:
    """The options that every trainer has.

    Args:
        program: the module, for the usage line.
        steps: how many by default.
        batch: what one step sees, for the help.
    """
    parser = argparse.ArgumentParser(prog=f"python -m {program}")
    parser.add_argument("--faces", type=Path, required=True, help="FairFace's crops, a .tar")
    parser.add_argument(
        "--whole", action="store_true",
        help="learn from all of --faces: a training part that was packed alone",
    )  # fmt: skip
    parser.add_argument("--out", type=Path, required=True, help="folder of the run")
    parser.add_argument(
        "--backgrounds", type=Path, nargs="*", default=[], metavar="PICTURE",
        help="pictures without people (models/backgrounds.sh fetches some)",
    )  # fmt: skip
    parser.add_argument("--clips", type=Path, nargs="*", default=[], help="films of people")
    parser.add_argument("--steps", type=int, default=steps, help=f"of {batch} each")
    parser.add_argument("--start", type=Path, metavar="NPZ", help="weights to begin with")
    parser.add_argument("--rate", type=float, help="highest learning rate (default: the network's)")
    parser.add_argument("--seed", type=int, default=1)
    return parser


def scene_source(options: argparse.Namespace) -> SceneSource:
    """Where scenes come from, as the options of `training_parser` say."""
    backgrounds, clips = tuple(options.backgrounds), tuple(options.clips)
    return SceneSource(options.faces, backgrounds, clips, whole=options.whole)


def run_training(program: str, options: argparse.Namespace, prepare: Callable[[], Training]) -> int:
    """Train as the options of `training_parser` say, and print where the weights are.

    Args:
        program: the module, for messages.
        options: of `training_parser`.
        prepare: says what is trained; what goes wrong there is reported as an error of training.

    Returns:
        0 done, 1 our error, 2 usage, 130 stopped from the keyboard.
    """
    # Read once, when TensorFlow loads: faster by far, and no result is compared by bytes.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

    def body() -> int:
        out: Path = options.out
        out.mkdir(parents=True, exist_ok=True)
        training = prepare()
        start: Path | None = options.start
        build = training.build if start is None else partial(training.load, start)
        rate = training.rate if options.rate is None else options.rate
        trainer = Trainer(build, training.loss, out, steps=options.steps, rate=rate)
        batches = training.batches(options.seed + trainer.step)
        print(train(trainer, batches, out, steps=options.steps, name=training.name))
        return 0

    return run(program, body)
