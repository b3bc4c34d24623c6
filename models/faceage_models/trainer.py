"""Steps, averages and checkpoints of a training run: what the networks' own trainers share.

Any of Keras' back ends will do, and a run's folder can be moved to a host with another one. What it
holds:

    state.npz             weights, their averages and the optimizer's state, whole or not at all
    <name>.weights.npz    the averaged weights
    train.csv             a line of losses every hundred steps
"""

import csv
import io
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faceage_edge.atomic import write_bytes
from faceage_edge.errors import FaceageError, ModelFileError
from faceage_models.averaging import average_in
from faceage_models.keras_backend import training_keras
from faceage_models.layer_weights import save_layer_weights
from faceage_models.learning_rate import warm_cosine
from faceage_models.learning_step import Loss, learning_step

__all__ = ["Trainer", "train"]

_WARM_UP, _DECAY, _CLIP = 300, 1e-4, 5.0
# The average over the last thousand steps or so is steadier than the last step.
_AVERAGING = 0.999
# Averaging fetches the weights from the device. Once they move slowly, not every step is worth it.
_AVERAGE_EVERY = 8
_EVERY = 100
_CHECKPOINT_EVERY = 500
_UNREADABLE = (OSError, ValueError, KeyError, EOFError)

Arrays = list[NDArray[Any]]


class Trainer:
    """A network, its average, its optimizer and how far they are, kept in one folder."""

    def __init__(
        self, build: Callable[[], Any], loss: Loss, out: Path, *, steps: int, rate: float
    ) -> None:
        """Start anew, or where the folder's state was.

        Args:
            build: makes the Keras model.
            loss: of the model in training mode on a batch; its terms are added.
            out: folder of the run.
            steps: how many there will be, for the learning rate.
            rate: the highest learning rate.

        Raises:
            ModelFileError: the folder's state is damaged or of another network.
        """
        keras = training_keras()
        self._steps, self._rate, self._state = steps, rate, out / "state.npz"
        self.model, self.step = build(), 0
        self.mean = _fetched(self.model.weights)
        self.optimizer = keras.optimizers.AdamW(rate, weight_decay=_DECAY, clipnorm=_CLIP)
        self.optimizer.build(self.model.trainable_variables)
        if self._state.exists():
            self._read_state()
        self._update = learning_step(self.model, loss, self.optimizer)

    def rate(self, step: int) -> float:
        """Learning rate of a step: a linear start, then half a cosine to nought."""
        return warm_cosine(step, highest=self._rate, warm=_WARM_UP, steps=self._steps)

    def train_on(self, batch: Any) -> tuple[Any, ...]:
        """Take one step.

        Args:
            batch: a structure of arrays, passed on to the loss.

        Returns:
            The terms of the loss before it, the back end's scalars: looking at one waits for it.
        """
        self.optimizer.learning_rate.assign(self.rate(self.step))
        terms = self._update(batch)
        self.step += 1
        # The first steps have much to change: average each.
        span = 1 if self.step <= _WARM_UP else _AVERAGE_EVERY
        if self.step % span == 0:
            self._average(span)
        return terms

    def _average(self, span: int) -> None:
        # The first steps have little to average: start short, then lengthen.
        keep = min(_AVERAGING, self.step / (9.0 + self.step)) ** span
        average_in(self.mean, self.model.weights, keep)

    def keep(self, weights: Path) -> None:
        """Write the state, and the averaged weights to an .npz."""
        own = _fetched(self.model.weights)
        self._write_state(own)
        self.model.set_weights(self.mean)
        save_layer_weights(self.model, weights)
        self.model.set_weights(own)

    def _write_state(self, own: Arrays) -> None:
        kinds = {"weight": own, "mean": self.mean, "optimizer": _fetched(self.optimizer.variables)}
        arrays = {f"{kind}_{i}": one for kind, some in kinds.items() for i, one in enumerate(some)}
        data = io.BytesIO()
        np.savez(data, allow_pickle=False, step=np.array(self.step), **arrays)
        write_bytes(self._state, data.getvalue())

    def _read_state(self) -> None:
        try:
            with np.load(self._state, allow_pickle=False) as kept:
                arrays = {key: kept[key] for key in kept.files}
            self.model.set_weights(_like(arrays, "weight", self.mean))
            self.mean = _like(arrays, "mean", self.mean)
            values = _like(arrays, "optimizer", _fetched(self.optimizer.variables))
            self.step = int(arrays["step"])
        except _UNREADABLE as error:
            raise ModelFileError(
                f"{self._state} is not a state of {self.model.name} ({error}); train into another "
                "folder"
            ) from error
        for variable, value in zip(self.optimizer.variables, values, strict=True):
            variable.assign(value)


def train(trainer: Trainer, batches: Iterator[Any], out: Path, *, steps: int, name: str) -> Path:
    """Train up to a number of steps, earlier runs in the folder counted.

    Args:
        trainer: opened in `out`.
        batches: without end.
        out: folder of the run: `train.csv` gets a line of losses every hundred steps, the
            state and `<name>.weights.npz` are written every five hundred and at the end.
        steps: in all.
        name: of the weights' file.

    Returns:
        The averaged weights' file.

    Raises:
        FaceageError: the loss is not a number any more; the folder's state is the last good one.
    """
    weights = out / f"{name}.weights.npz"
    first, began = trainer.step, time.monotonic()
    recent: list[tuple[Any, ...]] = []
    while trainer.step < steps:
        recent.append(trainer.train_on(next(batches)))
        step = trainer.step
        if step % _EVERY == 0:
            losses = _checked(recent, step, out)
            left = (time.monotonic() - began) / (step - first) * (steps - step)
            _log(out, step, steps, losses.mean(axis=0).tolist(), left)
            recent = []
        if step % _CHECKPOINT_EVERY == 0:
            trainer.keep(weights)
    _checked(recent, trainer.step, out)
    trainer.keep(weights)
    return weights


def _checked(recent: Sequence[tuple[Any, ...]], step: int, out: Path) -> NDArray[np.float64]:
    """Fetch the losses of the steps up to this one, (n, terms), all of them numbers."""
    losses = np.array([[float(term) for term in terms] for terms in recent])
    bad = [i for i, row in enumerate(losses) if not np.isfinite(row).all()]
    if bad:
        raise FaceageError(
            f"the loss is not a number after step {step - len(recent) + bad[0]}; the last good "
            f"state is in {out}: go on from it with another --seed"
        )
    return losses


def _log(out: Path, step: int, steps: int, losses: list[float], left_s: float) -> None:
    words = [f"{loss:.4f}" for loss in losses]
    with (out / "train.csv").open("a", newline="") as file:
        csv.writer(file).writerow([step, *words])
    text = f"step {step:,} of {steps:,}, losses {' + '.join(words)}, {left_s / 60:.0f} minutes left"
    print(text, file=sys.stderr, flush=True)


def _fetched(variables: Sequence[Any]) -> Arrays:
    """Copies of variables' values. numpy asks Keras for a view: it knows no other way."""
    return [np.array(np.asarray(variable)) for variable in variables]


def _like(arrays: dict[str, NDArray[Any]], kind: str, wanted: Arrays) -> Arrays:
    """The arrays of a kind; ValueError where they are not as many and as large as wanted."""
    found = [arrays[f"{kind}_{i}"] for i in range(len(wanted))]
    if f"{kind}_{len(wanted)}" in arrays:
        raise ValueError(f"it has more than {len(wanted)} arrays of {kind}")
    for i, (one, other) in enumerate(zip(found, wanted, strict=True)):
        if one.shape != other.shape:
            raise ValueError(f"{kind}_{i} has the shape {one.shape}, expected {other.shape}")
    return found
