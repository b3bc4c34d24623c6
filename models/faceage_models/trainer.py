"""Steps, averages and checkpoints of a training run: what the networks' own trainers share."""

import csv
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from faceage_edge.errors import FaceageError
from faceage_models.frameworks import import_tensorflow
from faceage_models.layer_weights import save_layer_weights
from faceage_models.learning_rate import warm_cosine

__all__ = ["Trainer", "train"]

_WARM_UP, _DECAY, _CLIP = 300, 1e-4, 5.0
# The average over the last thousand steps or so is steadier than the last step.
_AVERAGING = 0.999
_EVERY = 100
_CHECKPOINT_EVERY = 500

# (model, batch) to the terms of the loss, scalars.
Loss = Callable[[Any, Any], tuple[Any, ...]]


class Trainer:
    """A network, its average, its optimizer and how far they are, kept in one folder."""

    def __init__(
        self, build: Callable[[], Any], loss: Loss, out: Path, *, steps: int, rate: float
    ) -> None:
        """Start anew, or where the folder's checkpoint was.

        Args:
            build: makes the Keras model.
            loss: of the model in training mode on a batch; its terms are added.
            out: folder of the run.
            steps: how many there will be, for the learning rate.
            rate: the highest learning rate.
        """
        tf = import_tensorflow()
        self._loss, self._out, self._steps, self._rate = loss, out, steps, rate
        self.model, self.average = build(), build()
        self.average.set_weights(self.model.get_weights())
        self.step = tf.Variable(0, dtype=tf.int64)
        self.optimizer = tf.keras.optimizers.AdamW(rate, weight_decay=_DECAY, clipnorm=_CLIP)
        self.optimizer.build(self.model.trainable_variables)
        state = tf.train.Checkpoint(
            model=self.model, average=self.average, optimizer=self.optimizer, step=self.step
        )
        self._kept = tf.train.CheckpointManager(state, str(out / "checkpoint"), max_to_keep=2)
        if self._kept.latest_checkpoint:
            state.restore(self._kept.latest_checkpoint)
        self._update = tf.function(self._one_step)

    def rate(self, step: int) -> float:
        """Learning rate of a step: a linear start, then half a cosine to nought."""
        return warm_cosine(step, highest=self._rate, warm=_WARM_UP, steps=self._steps)

    def train_on(self, batch: Any) -> list[float]:
        """Take one step.

        Args:
            batch: a structure of arrays, passed on to the loss.

        Returns:
            The terms of the loss before it.

        Raises:
            FaceageError: the loss is not a number any more; the weights are as they were.
        """
        self.optimizer.learning_rate.assign(self.rate(int(self.step)))
        terms = [float(term) for term in self._update(batch)]
        if not np.isfinite(sum(terms)):
            raise FaceageError(
                f"the loss is not a number after step {int(self.step)}; the last good state is in "
                f"{self._out / 'checkpoint'}: go on from it with another --seed"
            )
        self.step.assign_add(1)
        return terms

    def _one_step(self, batch: Any) -> tuple[Any, ...]:
        tf = import_tensorflow()
        with tf.GradientTape() as tape:
            terms = self._loss(self.model, batch)
            loss = tf.add_n(list(terms))
        variables = self.model.trainable_variables
        gradients = tape.gradient(loss, variables)
        self.optimizer.apply_gradients(zip(gradients, variables, strict=True))
        # The first steps have little to average: start short, then lengthen.
        done = tf.cast(self.step, tf.float32)
        keep = tf.minimum(_AVERAGING, (1.0 + done) / (10.0 + done))
        for mean, value in zip(self.average.weights, self.model.weights, strict=True):
            mean.assign(mean * keep + value * (1 - keep))
        return terms

    def keep(self, weights: Path) -> None:
        """Write the checkpoint, and the averaged weights to an .npz."""
        self._kept.save()
        save_layer_weights(self.average, weights)


def train(trainer: Trainer, batches: Iterator[Any], out: Path, *, steps: int, name: str) -> Path:
    """Train up to a number of steps, earlier runs in the folder counted.

    Args:
        trainer: opened in `out`.
        batches: without end.
        out: folder of the run: `train.csv` gets a line of losses every hundred steps, the
            checkpoint and `<name>.weights.npz` are written every five hundred and at the end.
        steps: in all.
        name: of the weights' file.

    Returns:
        The averaged weights' file.
    """
    weights = out / f"{name}.weights.npz"
    first, began = int(trainer.step), time.monotonic()
    recent: list[list[float]] = []
    while (step := int(trainer.step)) < steps:
        recent.append(trainer.train_on(next(batches)))
        step += 1
        if step % _EVERY == 0:
            left = (time.monotonic() - began) / (step - first) * (steps - step)
            _log(out, step, steps, np.mean(recent, axis=0).tolist(), left)
            recent = []
        if step % _CHECKPOINT_EVERY == 0:
            trainer.keep(weights)
    trainer.keep(weights)
    return weights


def _log(out: Path, step: int, steps: int, losses: list[float], left_s: float) -> None:
    words = [f"{loss:.4f}" for loss in losses]
    with (out / "train.csv").open("a", newline="") as file:
        csv.writer(file).writerow([step, *words])
    text = f"step {step:,} of {steps:,}, losses {' + '.join(words)}, {left_s / 60:.0f} minutes left"
    print(text, file=sys.stderr, flush=True)
