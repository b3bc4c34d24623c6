"""An interpreter that notes the range of every tensor while it runs a float model."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from faceage_edge.errors import FacesError, ModelFileError
from faceage_edge.flatbuffer import read_model_file
from faceage_edge.interpreter import open_interpreter

__all__ = ["Activations", "ByChannel", "RecordingInterpreter", "TensorMeans", "TensorRanges"]

# (smallest, largest) by tensor name.
TensorRanges = dict[str, tuple[float, float]]
# A number for every channel (the last axis) by tensor name.
ByChannel = dict[str, tuple[float, ...]]
TensorMeans = ByChannel

# Operators that multiply their input by weights: CONV_2D, DEPTHWISE_CONV_2D, FULLY_CONNECTED.
_WEIGHTED = (3, 4, 9)


@dataclass(frozen=True)
class Activations:
    """What tensors held while a model ran: the range of each, and of those that an operator
    multiplies by weights the mean and the largest value (`peaks`) of every channel."""

    ranges: TensorRanges
    means: ByChannel
    peaks: ByChannel


class RecordingInterpreter:
    """Stands where a LiteRT interpreter stands and notes every tensor's range at each invoke.

    Built-in kernels only: XNNPACK fuses nodes and leaves the tensors between them unwritten.
    """

    def __init__(self, data: bytes, where: str, *, threads: int = 1) -> None:
        """Open a float model.

        Args:
            data: the whole .tflite file.
            where: its name, for messages.
            threads: CPU threads for one invoke.

        Raises:
            ModelFileError: no model, a damaged one, or one whose input is not float32.
        """
        model = read_model_file(data, where)
        if len(model.inputs) != 1 or model.inputs[0].dtype != "float32":
            found = ", ".join(f"{tensor.name} {tensor.dtype}" for tensor in model.inputs)
            raise ModelFileError(
                f"{where} takes {found or 'no input'}; ranges are recorded on a float model with "
                "one float32 input, so give the float .tflite that the int8 one is made from"
            )
        self._where = where
        self._interpreter: Any = open_interpreter(
            data, where, threads=threads, xnnpack=False, preserve_all=True
        )
        self._watched = {
            index: tensor.name
            for index, tensor in enumerate(model.tensors)
            if tensor.dtype == "float32" and not tensor.constant
        }
        weighted = {op.inputs[0] for op in model.operators if op.code in _WEIGHTED}
        self._averaged = sorted(weighted & self._watched.keys())
        self._sums: dict[str, npt.NDArray[np.float64]] = {}
        self._peaks: dict[str, npt.NDArray[np.float32]] = {}
        self._extremes: dict[str, list[tuple[float, float]]] = {}
        self.ranges: TensorRanges = {}
        self.invokes = 0

    def get_input_details(self) -> list[dict[str, Any]]:
        """As the interpreter's own."""
        return list(self._interpreter.get_input_details())

    def get_output_details(self) -> list[dict[str, Any]]:
        """As the interpreter's own."""
        return list(self._interpreter.get_output_details())

    def set_tensor(self, index: int, value: npt.NDArray[Any]) -> None:
        """As the interpreter's own."""
        self._interpreter.set_tensor(index, value)

    def get_tensor(self, index: int) -> npt.NDArray[Any]:
        """As the interpreter's own."""
        return np.asarray(self._interpreter.get_tensor(index))

    def invoke(self) -> None:
        """Run the model once and widen the ranges by what its tensors now hold.

        Raises:
            FacesError: a tensor holds NaN or infinity, which has no range.
        """
        self._interpreter.invoke()
        self.invokes += 1
        for index, name in self._watched.items():
            seen = self._seen(index)
            if seen is None:
                continue
            if not np.isfinite(seen).all():
                raise FacesError(
                    f"{self._where}: tensor {name!r} holds {seen[0]} to {seen[1]} at input "
                    f"{self.invokes}; a value that is not finite cannot be quantized: check the "
                    "model's weights and the input's normalisation"
                )
            low, high = self.ranges.get(name, seen)
            self.ranges[name] = (min(low, seen[0]), max(high, seen[1]))
            self._extremes.setdefault(name, []).append(seen)

        for index in self._averaged:
            self._add(index)

    def trimmed(self, share: float) -> TensorRanges:
        """Ranges that hold whole tensors at a share of the invokes, and are cut at the others.

        One picture in a hundred can double a tensor's range, and every other one then has half the
        steps. Inputs and outputs are left as they are.

        Args:
            share: of the invokes whose largest value lies inside, and as many for the smallest.
        """
        ends = {details["name"] for details in self.get_input_details()}
        ends |= {details["name"] for details in self.get_output_details()}
        cut = dict(self.ranges)
        for name, seen in self._extremes.items():
            if name not in ends:
                lows, highs = np.array(seen, np.float32).T
                low = np.quantile(lows, 1 - share, method="lower")
                cut[name] = (_decimal(low), _decimal(np.quantile(highs, share, method="higher")))
        return cut

    @property
    def means(self) -> TensorMeans:
        """What each channel of every tensor that meets weights held on average, to five digits."""
        return {name: _five_digits(sums / self.invokes) for name, sums in self._sums.items()}

    @property
    def recorded(self) -> Activations:
        """All that was noted so far."""
        peaks = {name: _five_digits(values) for name, values in self._peaks.items()}
        return Activations(self.ranges, self.means, peaks)

    def _add(self, index: int) -> None:
        values = self._interpreter.tensor(index)()
        all_but_channels = tuple(range(values.ndim - 1))
        name = self._watched[index]
        means = values.mean(axis=all_but_channels, dtype=np.float64)
        self._sums[name] = self._sums.get(name, 0.0) + means
        peaks = values.max(axis=all_but_channels)
        self._peaks[name] = np.maximum(self._peaks.get(name, peaks), peaks)

    def _seen(self, index: int) -> tuple[float, float] | None:
        """The tensor's range now; None for one that no operator writes."""
        try:
            # A view into the interpreter's memory: no copy, and gone before the next invoke.
            values = self._interpreter.tensor(index)()
        except ValueError:
            return None
        return (_decimal(values.min()), _decimal(values.max())) if values.size else None


def _five_digits(values: npt.NDArray[Any]) -> tuple[float, ...]:
    """Enough for what is done with a channel's mean or peak, and a small file."""
    return tuple(float(f"{value:.5g}") for value in values)


def _decimal(value: np.float32) -> float:
    """The shortest decimal that rounds to this float32: small files, and nothing lost."""
    return float(str(value))
