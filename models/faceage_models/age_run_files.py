"""The files of a training run's folder: its state, its table of epochs, its model.

Each is written whole or not at all, so that what a run leaves when it is stopped, or finds the disk
full, can be gone on from.
"""

import csv
import io
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faceage_edge.atomic import write_bytes
from faceage_edge.errors import FaceageError, ModelFileError, OutputError
from faceage_models.keras_backend import training_keras

__all__ = [
    "Arrays", "Epoch", "State", "best_epoch", "finite", "read_state", "result_of", "save_model",
    "write_epochs", "write_state",
]  # fmt: skip

_UNREADABLE = (OSError, ValueError, KeyError, EOFError)

Arrays = list[NDArray[Any]]


@dataclass(frozen=True)
class Epoch:
    """What an epoch came to: the mean loss, and the averaged model's error in years."""

    epoch: int
    loss: float
    mae: float


@dataclass(frozen=True)
class State:
    """How far a run is: its steps, its epochs, and arrays by kind, such as its weights."""

    step: int
    epochs: list[Epoch]
    arrays: Mapping[str, Arrays]


def best_epoch(epochs: Sequence[Epoch]) -> Epoch | None:
    """The one with the least error, whose model is in best.keras; None of none."""
    return min(epochs, key=lambda epoch: epoch.mae, default=None)


def result_of(epochs: Sequence[Epoch]) -> Epoch:
    """The best epoch of a run that has ended.

    Raises:
        FaceageError: it had none.
    """
    best = best_epoch(epochs)
    if best is None:
        raise FaceageError("a run of no epochs trains nothing; give --epochs 1 or more")
    return best


def finite(figure: float, step: int, out: Path) -> float:
    """Return a loss or an error, before anything of its step is kept.

    Args:
        figure: of the step.
        step: its number.
        out: the run's folder, for the message.

    Raises:
        FaceageError: it is not a number.
    """
    if not math.isfinite(figure):
        raise FaceageError(
            f"the loss is not a number in step {step:,}; the last good state is in "
            f"{out}: run again with a lower --rate, or another --seed"
        )
    return figure


def write_state(path: Path, state: State) -> None:
    """Write a state as an .npz.

    Raises:
        OutputError: it cannot be written; an earlier one is untouched.
    """
    arrays = {
        f"{kind}_{i}": one for kind, some in state.arrays.items() for i, one in enumerate(some)
    }
    table = [[e.epoch, e.loss, e.mae] for e in state.epochs]
    arrays |= {"step": np.array(state.step), "epochs": np.array(table).reshape(-1, 3)}
    data = io.BytesIO()
    np.savez(data, allow_pickle=False, **arrays)
    write_bytes(path, data.getvalue())


def read_state(path: Path, take: Callable[[Mapping[str, Arrays]], None]) -> State:
    """Read a state.

    Args:
        path: as `write_state` wrote it.
        take: sets the network's weights by the arrays; its ValueError or KeyError tells that they
            are another network's.

    Raises:
        ModelFileError: the file is damaged, or of another network.
    """
    try:
        with np.load(path, allow_pickle=False) as kept:
            arrays = {key: kept[key] for key in kept.files}
        kinds = {key.rpartition("_")[0] for key in arrays} - {""}
        found = {kind: _numbered(arrays, kind) for kind in kinds}
        take(found)
        epochs = [Epoch(int(e), float(a), float(b)) for e, a, b in arrays["epochs"]]
        return State(int(arrays["step"]), epochs, found)
    except _UNREADABLE as error:
        raise ModelFileError(
            f"{path} is not a state of this network ({error}); train into another folder, or "
            "with the options it was made with"
        ) from error


def write_epochs(path: Path, epochs: Sequence[Epoch]) -> None:
    """Write the table of epochs as CSV, a line each."""
    rows = io.StringIO()
    writer = csv.writer(rows, lineterminator="\n")
    writer.writerow(["epoch", "loss", "validation_mae_years"])
    writer.writerows([[e.epoch + 1, f"{e.loss:.5f}", f"{e.mae:.4f}"] for e in epochs])
    write_bytes(path, rows.getvalue().encode())


def save_model(model: Any, path: Path) -> None:
    """Write a .keras file beside its place and move it there.

    Raises:
        OutputError: it cannot be written; an earlier file is untouched.
    """
    beside = path.with_name(f".{path.stem}.new.keras")
    try:
        # The same layers without what they are trained with, whose loss no file could hold.
        training_keras().Model(model.input, model.output, name=model.name).save(beside)
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise OutputError(
            f"cannot write {path}: {error.strerror or error}; make room and run again, it goes on "
            "from the last epoch"
        ) from error


def _numbered(arrays: dict[str, NDArray[Any]], kind: str) -> Arrays:
    count = sum(key.startswith(f"{kind}_") for key in arrays)
    return [arrays[f"{kind}_{i}"] for i in range(count)]
