"""One training run of an age model: steps, averages, validation, and a state to go on from.

Written with Keras 3 alone, so that it runs on any of its back ends; a run's folder can be moved to
a host with another one. What it holds:

    state.npz       weights, their averages and the optimizer's state, written whole or not at all
    best.keras      the averaged model of the best validation so far
    epochs.csv      a line for each epoch
"""

import contextlib
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faceage_edge.errors import FaceageError
from faceage_models.age_heads import Head
from faceage_models.age_inputs import INPUTS, Preprocessing
from faceage_models.age_run_files import (
    Arrays,
    Epoch,
    State,
    best_epoch,
    finite,
    read_state,
    result_of,
    save_model,
    write_epochs,
    write_state,
)
from faceage_models.averaging import average_in
from faceage_models.crop_answers import answers_of, bytes_model
from faceage_models.keras_backend import training_keras
from faceage_models.learning_rate import warm_cosine
from faceage_models.quick_torch import quick_step
from faceage_models.settled import SETTLED_BY, settle

__all__ = ["AgeRun", "Schedule", "Stage"]

_AVERAGING = 0.999
# Averaging on every step would cost a copy of the network each.
_AVERAGE_EVERY = 8
_CLIP = 5.0
_EVALUATED_AT_ONCE = 256


@dataclass(frozen=True)
class Stage:
    """A part of the run: its epochs, and the first layer that learns.

    `first` is None for all layers, "head" for the head alone.
    """

    epochs: int
    first: str | None = None


@dataclass(frozen=True)
class Schedule:
    """How long and how fast a run learns.

    Attributes:
        stages: one after the other.
        steps: batches an epoch.
        rate: highest learning rate; a linear start over the first half epoch, then half a cosine
            to nought over the whole run (Loshchilov and Hutter, arXiv:1608.03983).
        decay: weight decay of kernels, apart from the rate (Loshchilov and Hutter,
            arXiv:1711.05101).
    """

    stages: tuple[Stage, ...]
    steps: int
    rate: float
    decay: float

    @property
    def epochs(self) -> int:
        """Of all stages."""
        return sum(stage.epochs for stage in self.stages)

    def stage_of(self, epoch: int) -> Stage:
        """The stage that an epoch, counted from 0, belongs to."""
        for stage in self.stages:
            if epoch < stage.epochs:
                return stage
            epoch -= stage.epochs
        return self.stages[-1]

    def rate_at(self, step: int) -> float:
        """Learning rate of a step, counted from 0 over all epochs."""
        warm, steps = max(self.steps // 2, 1), self.epochs * self.steps
        return warm_cosine(step, highest=self.rate, warm=warm, steps=steps)


@dataclass
class AgeRun:
    """A model on its way; see the module docstring for its folder."""

    model: Any
    head: Head
    schedule: Schedule
    importance: NDArray[np.float32]
    out: Path
    taken: Preprocessing = INPUTS["signed-128"]
    precision: str = "float32"
    step: int = 0
    epochs: list[Epoch] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Take up the folder's state, where it has one."""
        self._bytes = bytes_model(self.model, self.taken)
        self._answers = answers_of(self.model, self.taken, head_layers=self.head.layers)
        self._mean: Arrays = [np.array(value) for value in self.model.get_weights()]
        self._stage: Stage | None = None
        kept: Arrays | None = None
        if (self.out / "state.npz").exists():
            kept = self._read_state()
        epoch = self.step // self.schedule.steps
        stage = self.schedule.stage_of(epoch)
        # A stage that begins now has its own optimizer, not that of the layers before.
        self._enter(stage, kept if self.schedule.stage_of(max(epoch - 1, 0)) == stage else None)

    @property
    def best(self) -> Epoch | None:
        """The epoch whose model is in best.keras."""
        return best_epoch(self.epochs)

    def train(
        self,
        batches: Iterator[tuple[NDArray[np.uint8], NDArray[np.float32]]],
        validate: Callable[[Callable[[NDArray[np.uint8]], NDArray[np.float64]]], float],
        progress: Callable[[int, float], None],
        *,
        ended: Callable[[Epoch, float], None] | None = None,
    ) -> Epoch:
        """Train up to the schedule's end.

        Args:
            batches: crops, uint8 (n, size, size, 3), RGB, and targets, without end.
            validate: from a function of crops to years, to the error in years.
            progress: told the steps done and the loss, after each.
            ended: told each epoch, once it is kept, and the learning rate of its last step.

        Returns:
            The best epoch.

        Raises:
            FaceageError: the loss is not a number any more; the last good state is kept.
            OutputError: the folder cannot be written; what it held before is whole.
        """
        steps = self.schedule.steps
        recent: deque[NDArray[np.uint8]] = deque()
        while self.step < self.schedule.epochs * steps:
            epoch = self.step // steps
            self._enter(self.schedule.stage_of(epoch), None)
            losses = []
            while self.step < (epoch + 1) * steps:
                crops, targets = next(batches)
                losses.append(self._step(crops, targets))
                progress(self.step, losses[-1])
                recent.append(crops.copy())
                while sum(map(len, recent)) - len(recent[0]) >= SETTLED_BY:
                    recent.popleft()
            with self.averaged():
                settle(self.model, recent, self._answers)
                self._close(Epoch(epoch, float(np.mean(losses)), validate(self.predict)))
            self._write_state()
            if ended is not None:
                ended(self.epochs[-1], self.schedule.rate_at(self.step - 1))
        return result_of(self.epochs)

    def predict(self, crops: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Ages in years, (n,), of crops, uint8 (n, size, size, 3), RGB, by the model as it is."""
        parts = [
            self._answers(crops[start : start + _EVALUATED_AT_ONCE])
            for start in range(0, len(crops), _EVALUATED_AT_ONCE)
        ]
        return self.head.years(np.concatenate(parts))

    @contextlib.contextmanager
    def averaged(self) -> Iterator[None]:
        """Within, the model has its averaged weights."""
        own = [np.array(value) for value in self.model.get_weights()]
        self.model.set_weights(self._mean)
        try:
            yield
        finally:
            self.model.set_weights(own)

    def _step(self, crops: NDArray[np.uint8], targets: NDArray[np.float32]) -> float:
        self._bytes.optimizer.learning_rate.assign(self.schedule.rate_at(self.step))
        loss = float(np.asarray(self._learn(crops, targets)))
        finite(loss, self.step, self.out)
        self.step += 1
        if self.step % _AVERAGE_EVERY == 0:
            done = self.step / _AVERAGE_EVERY
            keep = min(_AVERAGING**_AVERAGE_EVERY, (1 + done) / (10 + done))
            average_in(self._mean, self.model.get_weights(), keep)
        return loss

    def _close(self, epoch: Epoch) -> None:
        """Write an epoch down, its model first, where that is the best one."""
        better = self.best is None or epoch.mae < self.best.mae
        self.epochs.append(epoch)
        if better:
            save_model(self.head.answering(self.model), self.out / "best.keras")
        write_epochs(self.out / "epochs.csv", self.epochs)

    def _enter(self, stage: Stage, optimizer: Arrays | None) -> None:
        """Let a stage's layers learn; a new stage starts with a fresh optimizer."""
        if stage == self._stage:
            return
        self._stage = stage
        thaw(self.model, stage.first, self.head.layers)
        keras = training_keras()
        chosen = keras.optimizers.AdamW(
            self.schedule.rate, weight_decay=self.schedule.decay, clipnorm=_CLIP
        )
        chosen.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
        importance, head = self.importance, self.head

        def loss(wanted: Any, found: Any) -> Any:
            return head.loss(wanted, found, importance)

        self._bytes.compile(optimizer=chosen, loss=loss)
        chosen.build(self.model.trainable_variables)
        self._learn = self._bytes.train_on_batch
        if self.precision == "bfloat16":
            self._learn = quick_step(self.model, self.taken, loss, chosen, head_layers=head.layers)
        for variable, value in zip(chosen.variables, optimizer or [], strict=False):
            variable.assign(value)

    def _write_state(self) -> None:
        kinds = {
            "weight": [np.asarray(value) for value in self.model.get_weights()],
            "mean": self._mean,
            "optimizer": [np.asarray(variable) for variable in self._bytes.optimizer.variables],
        }
        write_state(self.out / "state.npz", State(self.step, self.epochs, kinds))

    def _read_state(self) -> Arrays:
        """Take up weights, averages and counts; returns the optimizer's arrays."""
        state = read_state(self.out / "state.npz", self._take)
        self.step, self.epochs = state.step, state.epochs
        return state.arrays.get("optimizer", [])

    def _take(self, arrays: Mapping[str, Arrays]) -> None:
        self.model.set_weights(arrays["weight"])
        self._mean = arrays["mean"]


def thaw(model: Any, first: str | None, head_layers: int = 1) -> None:
    """Let the layers from one on learn, in the order of the network.

    Args:
        model: a Keras model.
        first: a layer's name; None: all; "head": the last layers alone.
        head_layers: how many these are.

    Raises:
        FaceageError: there is no such layer.
    """
    names = [layer.name for layer in model.layers]
    if first not in (None, "head", *names):
        raise FaceageError(
            f"the network has no layer {first!r} to train from; its layers are "
            f"{', '.join(names[:3])} ... {', '.join(names[-3:])}"
        )
    start = {None: 0, "head": len(names) - head_layers}.get(first)
    if start is None:
        start = names.index(str(first))
    for index, layer in enumerate(model.layers):
        layer.trainable = index >= start
