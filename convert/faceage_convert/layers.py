"""What quantization did to every layer: float and quantized graph side by side, on the same faces.

Noise is told as its share of the signal, channel by channel, and the mean over the channels: in one
sum a single channel of large values hides what became of all the others. A layer's ratio falls
along the graph, since noise is handed on; which layer makes it is told by what it adds to the
largest share among its inputs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from faceage_edge.contract import Contract
from faceage_edge.flatbuffer import ModelFile, TensorInfo, read_model_file
from faceage_edge.interpreter import open_interpreter
from faceage_edge.operators import operator_names
from faceage_edge.preprocess import InputEncoder

__all__ = ["LayerNoise", "layer_noise", "layers_around"]

Floats = npt.NDArray[np.float64]
Crops = npt.NDArray[np.uint8]

# No ratio is better known than the float32 it is computed from.
_MOST_DB = 120.0
# Channels with less than this share of the middle one's power are dead, and have no ratio.
_DEAD = 0.01


@dataclass(frozen=True)
class LayerNoise:
    """One layer, named by its result: signal-to-noise ratio in dB (noise as the mean share over its
    channels), and how much its own noise adds to that of its inputs (0 where it adds none)."""

    name: str
    operator: str
    snr_db: float
    added: float


def layer_noise(
    float_model: tuple[bytes, Contract], quantized: tuple[bytes, Contract], crops: Crops, where: str
) -> tuple[LayerNoise, ...]:
    """Compare every layer of a float model with the same one of its quantized file.

    Args:
        float_model: the float .tflite file and its contract.
        quantized: the file made of it, and its contract.
        crops: uint8 (n, height, width, 3), BGR, in the model's size, n >= 1.
        where: the model's name, for messages.

    Returns:
        In order of execution; layers that the quantized graph does not have are left out.
    """
    graph, other = (read_model_file(data, where) for data, _ in (float_model, quantized))
    pairs = _same_results(graph, other)
    first, second = (_Runner(data, contract, where) for data, contract in (float_model, quantized))
    limits = _limits(quantized[1], other)
    noise: dict[int, Floats | float] = dict.fromkeys(pairs, 0.0)
    signal: dict[int, Floats | float] = dict.fromkeys(pairs, 0.0)
    for crop in crops:
        first.run(crop)
        second.run(crop)
        for mine, theirs in pairs.items():
            exact = first.values(mine, graph.tensors[mine])
            low, high = limits.get(theirs, (-np.inf, np.inf))
            exact = exact.clip(low, high)
            error = exact - second.values(theirs, other.tensors[theirs])
            noise[mine] += _power(error)
            signal[mine] += _power(exact)
    shares = {i: _share(np.asarray(noise[i]), np.asarray(signal[i])) for i in pairs}
    return tuple(_layers(graph, shares))


def _power(values: Floats) -> Floats:
    """The sum of squares of every channel, which is the last axis."""
    return np.asarray(np.square(values.reshape(-1, values.shape[-1])).sum(axis=0))


def _share(noise: Floats, signal: Floats) -> float:
    alive = signal > _DEAD * np.median(signal)
    if not alive.any():
        return 0.0
    # A channel of which nothing is left counts as lost, however wrong its numbers are.
    return float(np.minimum(noise[alive] / signal[alive], 1.0).mean())


def layers_around(model: ModelFile, results: Sequence[str]) -> tuple[str, ...]:
    """The layers that make tensors and those that read them.

    A tensor is fine only where both its ends are: a layer that is kept alone has its result
    rounded for the next.

    Args:
        model: the float graph.
        results: names of tensors.

    Returns:
        The names of the layers' results, in order of execution.
    """
    wanted = {i for i, tensor in enumerate(model.tensors) if tensor.name in results}
    return tuple(
        model.tensors[operator.outputs[0]].name
        for operator in model.operators
        if wanted & {*operator.inputs, *operator.outputs}
    )


def _same_results(graph: ModelFile, other: ModelFile) -> dict[int, int]:
    """Tensor in the float graph to the tensor of the same name in the other."""
    theirs = {tensor.name: i for i, tensor in enumerate(other.tensors) if not tensor.constant}
    return {
        operator.outputs[0]: theirs[graph.tensors[operator.outputs[0]].name]
        for operator in graph.operators
        if operator.outputs and graph.tensors[operator.outputs[0]].name in theirs
    }


def _limits(contract: Contract, model: ModelFile) -> dict[int, tuple[float, float]]:
    """What a CORAL head's logits are cut to: beyond it they decide a rank either way, so the cut
    is no noise."""
    found = {}
    by_name = {tensor.name: i for i, tensor in enumerate(model.tensors)}
    for output in contract.outputs:
        kind = np.iinfo(output.dtype) if output.dtype != "float32" else None
        if output.head == "coral" and kind is not None:
            ends = ((end - output.zero_point) * output.scale for end in (kind.min, kind.max))
            low, high = ends
            found[by_name[output.name]] = (low, high)
    return found


def _layers(graph: ModelFile, shares: dict[int, float]) -> list[LayerNoise]:
    found = []
    for operator, kind in zip(graph.operators, operator_names(graph), strict=True):
        result = operator.outputs[0]
        if result not in shares:
            continue
        share = shares[result]
        handed_on = max((shares.get(i, 0.0) for i in operator.inputs), default=0.0)
        decibels = _MOST_DB if share <= 0 else min(-10 * float(np.log10(share)), _MOST_DB)
        found.append(
            LayerNoise(graph.tensors[result].name, kind, decibels, max(share - handed_on, 0.0))
        )
    return found


class _Runner:
    """One graph whose tensors can all be read after a run: built-in kernels, nothing fused."""

    def __init__(self, data: bytes, contract: Contract, where: str) -> None:
        self._interpreter: Any = open_interpreter(data, where, xnnpack=False, preserve_all=True)
        self._encoder = InputEncoder(contract.input)
        self._batch = contract.input.batch
        self._input = self._interpreter.get_input_details()[0]["index"]

    def run(self, crop: Crops) -> None:
        crops = np.repeat(crop[None], self._batch, axis=0)
        self._interpreter.set_tensor(self._input, self._encoder.encode(crops))
        self._interpreter.invoke()

    def values(self, index: int, tensor: TensorInfo) -> Floats:
        """A tensor's real numbers, float64."""
        # A view into the interpreter's memory; the arithmetic below makes a copy.
        raw = self._interpreter.tensor(index)()
        if not tensor.scales:
            return np.asarray(raw, dtype=np.float64).copy()
        return (np.asarray(raw, dtype=np.float64) - tensor.zero_points[0]) * tensor.scales[0]
