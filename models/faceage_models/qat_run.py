"""Quantization-aware fine-tuning of a trained age model: steps, validation, and a state to go on
from. What a run's folder holds:

    state.npz           weights, their averages, ranges and the optimizer's state, whole or not
    best.keras          the averaged weights of the best validation, float, normalisations folded
    best.ranges.json    the ranges that they were trained with, for `faceage-convert --qat`
    epochs.csv          a line for each epoch

An error in years is that of the network with its rounding, as the int8 file will have it.
"""

import contextlib
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faceage_calibration.ranges import Calibration, Ranges, write_ranges
from faceage_edge.errors import UsageError
from faceage_models.age_batches import resized
from faceage_models.age_faces import TrainingFaces, middle
from faceage_models.age_heads import RANKS, Head
from faceage_models.age_inputs import Preprocessing, input_range, network_input
from faceage_models.age_run import Schedule
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
from faceage_models.frameworks import import_tensorflow
from faceage_models.keras_backend import training_keras
from faceage_models.keras_loading import load_keras
from faceage_models.qat_network import QatNetwork, check_monotone, trainable_parts
from faceage_models.qat_packages import import_qat

__all__ = ["FaceSource", "QatRun", "check_trainable"]

_CLIP = 5.0
# Over the last hundred steps: a step moves a weight by as much as its rounding, here and there.
_AVERAGING = 0.99
_EVALUATED_AT_ONCE = 256
_BEGUN_WITH = 512

Crops = NDArray[np.uint8]


@dataclass(frozen=True)
class FaceSource:
    """The faces a run learns from, at its network's `size` in pixels; `seed` chooses some."""

    faces: TrainingFaces
    size: int
    seed: int

    def some(self) -> Crops:
        """A few hundred, unworn: what the ranges begin with. uint8 (n, size, size, 3), RGB."""
        count = len(self.faces.digests)
        chosen = np.random.default_rng(self.seed).permutation(count)[:_BEGUN_WITH]
        crops = middle(self.faces.canvases[np.sort(chosen)], self.faces.template)
        return resized(crops, self.size)

    def described(self) -> Calibration:
        """All of them, for the ranges file: by their digest as a set. It does not list them, as
        a choice of few hundred faces is listed."""
        digest = hashlib.sha256("\n".join(sorted(self.faces.digests)).encode()).hexdigest()
        return Calibration(len(self.faces.digests), digest, ())


@dataclass
class QatRun:
    """A model on its way; see the module docstring for its folder.

    Attributes:
        model: the trained float model, of Keras 3.
        head: its head.
        schedule: of one stage, all layers.
        importance: float32 (ranks,), of each rank in the loss.
        out: the run's folder.
        taken: how the network takes a picture.
        faces: what it learns from.
    """

    model: Any
    head: Head
    schedule: Schedule
    importance: NDArray[np.float32]
    out: Path
    taken: Preprocessing
    faces: FaceSource
    step: int = 0
    epochs: list[Epoch] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Build the rounding network, and take up the folder's state, where it has one."""
        self._network = QatNetwork(self.model)
        self._mean: Arrays = [one.numpy() for one in self._network.learning]
        self._optimizer = _optimizer(self.schedule, self._network.learning)
        self._update, self._answer = self._functions()
        if (self.out / "state.npz").exists():
            state = read_state(self.out / "state.npz", self._take)
            self.step, self.epochs = state.step, state.epochs
        else:
            pixels = network_input(training_keras(), self.faces.some(), self.taken)
            self._network.start_ranges(np.asarray(pixels))

    @property
    def best(self) -> Epoch | None:
        """The epoch whose model is in best.keras."""
        return best_epoch(self.epochs)

    def train(
        self,
        batches: Iterator[tuple[Crops, NDArray[np.float32]]],
        validate: Callable[[Callable[[Crops], NDArray[np.float64]]], float],
        progress: Callable[[int, float], None],
        *,
        ended: Callable[[Epoch, float], None] | None = None,
    ) -> Epoch:
        """Train up to the schedule's end; as `AgeRun.train`, whose errors it raises.

        Raises:
            ModelFileError: the ranks contradict each other.
        """
        steps = self.schedule.steps
        while self.step < self.schedule.epochs * steps:
            epoch, losses = self.step // steps, []
            while self.step < (epoch + 1) * steps:
                losses.append(self._step(*next(batches)))
                progress(self.step, losses[-1])
            with self.averaged():
                mae = finite(validate(self.predict), self.step, self.out)
                self._close(Epoch(epoch, float(np.mean(losses)), mae))
            self._write_state()
            if ended is not None:
                ended(self.epochs[-1], self.schedule.rate_at(self.step - 1))
        return result_of(self.epochs)

    def predict(self, crops: Crops) -> NDArray[np.float64]:
        """Ages in years, (n,), of crops, uint8 (n, size, size, 3), RGB, with the rounding."""
        parts = [
            self._answer(crops[start : start + _EVALUATED_AT_ONCE]).numpy()
            for start in range(0, len(crops), _EVALUATED_AT_ONCE)
        ]
        outputs = np.concatenate(parts)
        if self.head.name == "coral":
            check_monotone(outputs[:, :RANKS], "the network's ranks")
        return self.head.years(outputs)

    @contextlib.contextmanager
    def averaged(self) -> Iterator[None]:
        """Within, the network has its averaged weights; ranges follow the batches anyway."""
        learning = self._network.learning
        own = [one.numpy() for one in learning]
        _assign(learning, self._mean)
        try:
            yield
        finally:
            _assign(learning, own)

    def _functions(self) -> tuple[Callable[..., Any], Callable[[Crops], Any]]:
        """One step of learning, and an answer, both as TensorFlow compiles them."""
        tf, keras = import_tensorflow(), training_keras()
        network, head, learning = self._network.model, self.head, self._network.learning

        def update(crops: Any, targets: Any) -> Any:
            pixels = network_input(keras, crops, self.taken)
            with tf.GradientTape() as tape:
                answers = network(pixels, training=True)
                loss = tf.reduce_mean(head.loss(targets, answers, self.importance))
            slopes = tape.gradient(loss, learning)
            self._optimizer.apply_gradients(zip(slopes, learning, strict=True))
            return loss

        def answer(crops: Any) -> Any:
            return network(network_input(keras, crops, self.taken), training=False)

        return tf.function(update), tf.function(answer, reduce_retracing=True)

    def _step(self, crops: Crops, targets: NDArray[np.float32]) -> float:
        self._optimizer.learning_rate.assign(self.schedule.rate_at(self.step))
        loss = finite(float(self._update(crops, targets)), self.step, self.out)
        self.step += 1
        # The first steps have little to average: start short, then lengthen.
        keep = min(_AVERAGING, self.step / (9.0 + self.step))
        average_in(self._mean, (one.numpy() for one in self._network.learning), keep)
        return loss

    def _close(self, epoch: Epoch) -> None:
        """Write an epoch down, its model and ranges first, where that is the best one."""
        better = self.best is None or epoch.mae < self.best.mae
        self.epochs.append(epoch)
        if better:
            ranges = self._network.ranges(input_range(self.taken.normalisation))
            save_model(self._network.float_model(), self.out / "best.keras")
            digest = hashlib.sha256((self.out / "best.keras").read_bytes()).hexdigest()
            seen = self.faces.described()
            trained = {"steps": self.step, "faces": seen.n}
            write_ranges(self.out / "best.ranges.json", Ranges(digest, ranges, seen, qat=trained))
        write_epochs(self.out / "epochs.csv", self.epochs)

    def _write_state(self) -> None:
        kinds = {
            "mean": self._mean,
            "weight": [one.numpy() for one in self._network.variables],
            "optimizer": [one.numpy() for one in self._optimizer.variables],
        }
        write_state(self.out / "state.npz", State(self.step, self.epochs, kinds))

    def _take(self, arrays: Mapping[str, Arrays]) -> None:
        _assign(self._network.variables, arrays["weight"])
        _assign(self._optimizer.variables, arrays["optimizer"])
        self._mean = arrays["mean"]


def _assign(variables: Sequence[Any], values: Arrays) -> None:
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def _optimizer(schedule: Schedule, learning: list[Any]) -> Any:
    tf_keras, _ = import_qat()
    chosen = tf_keras.optimizers.AdamW(schedule.rate, weight_decay=schedule.decay, clipnorm=_CLIP)
    chosen.exclude_from_weight_decay(var_names=["bias"])
    chosen.build(learning)
    return chosen


def check_trainable(model: Any, path: Path) -> None:
    """Hold that a model can be trained with rounding, and has all its weights from a file.

    Args:
        model: built as the options say.
        path: .keras of an earlier run.

    Raises:
        UsageError: a layer cannot, or the file's model is another one than the options say.
        ModelFileError: it cannot be read.
    """
    trainable_parts(model)
    started = load_keras(path, training_keras())
    found, expected = (
        (one.input_shape, one.output_shape, one.count_params()) for one in (started, model)
    )
    if found != expected:
        raise UsageError(
            f"{path} takes {found[0][1:]}, gives {found[1][1:]} and has {found[2]:,} parameters; "
            f"the options describe {expected[0][1:]}, {expected[1][1:]} and {expected[2]:,}: "
            "repeat the --backbone, --head, --size and --alpha that it was trained with"
        )
