"""Train the finder on composed scenes, beside RFB-320 as its teacher.

    python -m faceage_models.train_finder --faces fairface-train.tar --teacher rfb_320.tflite \
        --front --out RUN/front --steps 4000
    python -m faceage_models.train_finder --faces fairface-train.tar --teacher rfb_320.tflite \
        --start RUN/front/finder.weights.npz --out RUN/finder --steps 8000

First its own beginning learns to answer as RFB-320's (`--front`), then all of it learns faces. What
it sees of a scene is held to what its teacher sees all the while: scenes are composed, and the
teacher knows photographs. Run the same command again to go on where it stopped; see `trainer` for
what RUN holds.
"""

import argparse
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from faceage_models.background import in_backgrounds
from faceage_models.finder_loss import apart, finder_loss
from faceage_models.finder_network import FRONT, TAPS, finder_network, load_finder
from faceage_models.finder_scenes import SCENE_BYTES, training_batches
from faceage_models.keras_backend import training_keras
from faceage_models.rfb_start import read_rfb, rfb_network, start_network
from faceage_models.training_command import Training, run_training, scene_source, training_parser

__all__ = ["SceneLoss", "front_loss", "main"]

_PROGRAM = "faceage_models.train_finder"
_BATCH, _LOOKS = 32, 4
_RATE, _FRONT_RATE = 5e-4, 3e-3
# Seeds of several processes, further apart than a run has steps: it goes on with seed + step.
_APART = 10_000_000
# Up to the first tap the network is new, or nearly so.
_NEW = (*FRONT, "quarter1_dw", "quarter1", "eighth0_dw", "eighth0")


class SceneLoss:
    """The finder's losses of a batch of scenes."""

    def __init__(self, teacher: Any = None, weight: float = 1.0) -> None:
        """Hold a teacher.

        Args:
            teacher: of `rfb_network`; None: there is none.
            weight: of staying near it.
        """
        self._teacher, self._weight = teacher and _tapped(teacher), weight

    def __call__(self, model: Any, batch: Any) -> tuple[Any, ...]:
        """The focal and the box loss of a model in training mode, and how far it is from its
        teacher.

        Args:
            model: of `finder_network`.
            batch: the fields of a `SceneBatch` in their order.
        """
        frames, kinds, boxes = batch
        pixels = _pixels(frames)
        own = _tapped(model)(pixels, training=True)
        losses = finder_loss(own, kinds, boxes)
        if self._teacher is None:
            return losses
        seen = self._teacher(pixels, training=False)
        away = sum(apart(own[name], seen[name]) for name in _taps())
        return (*losses, away * self._weight)


def front_loss(teacher: Any) -> Any:
    """The loss of the new layers alone: how far the first tap is from the teacher's."""
    first = TAPS[min(TAPS)]
    whole = training_keras().Model(teacher.input, teacher.get_layer(first).output)

    def loss(model: Any, batch: Any) -> tuple[Any]:
        pixels = _pixels(batch[0])
        own = training_keras().Model(model.input, model.get_layer(first).output)
        return (apart(own(pixels, training=True), whole(pixels, training=False)),)

    return loss


def _pixels(frames: Any) -> Any:
    ops = training_keras().ops
    return (ops.cast(ops.convert_to_tensor(frames), "float32") - 128.0) / 128.0


def _taps() -> list[str]:
    return [f"tap{stride}" for stride in TAPS]


def _tapped(model: Any) -> Any:
    """A model that hands out what it sees beside its outputs."""
    seen = {f"tap{stride}": model.get_layer(name).output for stride, name in TAPS.items()}
    named = dict(zip(model.output_names, model.outputs, strict=True))
    return training_keras().Model(model.input, {**named, **seen})


def main(argv: Sequence[str] | None = None) -> int:
    """Run the training from the command line.

    Returns:
        0 done, 1 our error, 2 usage, 130 stopped from the keyboard.
    """
    parser = training_parser(_PROGRAM, steps=8_000, batch="--batch scenes")
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
    parser.add_argument(
        "--teacher", type=Path, metavar="TFLITE",
        help="RFB-320's float file: what its layers see shall be seen here, and without --start "
        "training begins with its weights",
    )  # fmt: skip
    parser.add_argument(
        "--teacher-weight", type=float, default=1.0,
        help="of that beside the other losses (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--front", action="store_true",
        help="teach the new layers alone, up to where the teacher's begin",
    )  # fmt: skip
    options = parser.parse_args(argv)
    for name in ("batch", "looks", "workers"):
        if getattr(options, name) < 1:
            parser.error(f"--{name} {getattr(options, name)} is too few, expected 1 at least")
    if options.front and options.teacher is None:
        parser.error("--front learns from a teacher: give --teacher rfb_320.tflite")
    return run_training(_PROGRAM, options, partial(_training, options))


def _training(options: argparse.Namespace) -> Training:
    layers = None if options.teacher is None else read_rfb(options.teacher)
    build = finder_network if layers is None else partial(start_network, layers)
    teacher = None if layers is None else rfb_network(layers)
    loss = SceneLoss(teacher, options.teacher_weight)
    load, rate = load_finder, _RATE
    if options.front:
        loss, rate = front_loss(teacher), _FRONT_RATE
        build, load = (partial(_only_new, one) for one in (build, load))
    return Training("finder", build, load, loss, partial(_batches, options), rate)


def _only_new(build: Any, *arguments: Any) -> Any:
    """A finder of which only the new layers learn."""
    model = build(*arguments)
    for layer in model.layers:
        layer.trainable = layer.name in _NEW
    return model


def _batches(options: argparse.Namespace, seed: int) -> Iterator[Any]:
    source, size, looks = scene_source(options), options.batch, options.looks
    calls = [(source, size, seed + _APART * one, looks) for one in range(options.workers)]
    for batch in in_backgrounds(training_batches, calls, room=size * SCENE_BYTES):
        yield batch.frames, batch.kinds, batch.boxes


if __name__ == "__main__":
    raise SystemExit(main())
