"""Quantize a float .tflite by a recipe, from recorded ranges where the recipe needs them.

Plain minimum and maximum per tensor: the quantizer's own calibration keeps a moving average,
which moved ages by 3 years. Convolutions per channel; fully connected layers per tensor, because
the Edge TPU compiler and older runtimes mishandle the rest.
"""

import contextlib
import io
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from faceage_convert.dead_channels import raise_dead_channels
from faceage_convert.recipes import INT8, Recipe, quantizer_for
from faceage_edge.contract import Contract
from faceage_edge.errors import FacesError, ModelFileError
from faceage_edge.flatbuffer import read_model_file
from faceage_models.age_inputs import input_range
from faceage_models.tflite_graph import load_graph, save_graph, tensor_name

__all__ = ["fixed_ranges", "quantize_model"]

# Logits beyond this range decide a rank with a probability of 0.9997: clipping there costs at
# most 0.0003 years a rank, and 16 steps a unit keep the rest fine (DESIGN: head).
_LOGIT_LIMIT = 8.0
# What the quantizer appends to the name of a result that it makes float again.
_DEQUANTIZED = "_dequant"
# A tensor whose values all lie within this of zero says nothing.
_DEAD = 1e-7


def quantize_model(
    model: bytes,
    ranges: Mapping[str, tuple[float, float]],
    contract: Contract,
    where: str,
    recipe: Recipe = INT8,
) -> bytes:
    """Quantize a float model.

    Args:
        model: a float .tflite file.
        ranges: smallest and largest value of every tensor on the calibration faces; not looked at
            where the recipe needs none.
        contract: the float model's contract; input and head ranges follow from it, not from data.
        where: the model's name, for messages.
        recipe: the scheme, and the layers that are kept finer.

    Returns:
        The quantized .tflite file, without a contract.

    Raises:
        FacesError: a tensor of the model has no range: the ranges are of another model.
        ModelFileError: the quantizer refuses the model.
    """
    statistics = None
    if recipe.needs_ranges:
        all_ranges = {**ranges, **fixed_ranges(contract)}
        _check_complete(model, all_ranges, where)
        model = raise_dead_channels(model, all_ranges, where)
        statistics = {name: _statistic(low, high) for name, (low, high) in all_ranges.items()}
    quantizer = quantizer_for(model, recipe)
    try:
        with _silence():
            result = quantizer.quantize(statistics, enable_progress_report=False)
    except (KeyError, ValueError, RuntimeError, NotImplementedError) as error:
        raise ModelFileError(f"{where} cannot be quantized to {recipe.name}: {error}") from error
    return _with_output_names(bytes(result.quantized_model), contract)


def _with_output_names(data: bytes, contract: Contract) -> bytes:
    """Give the outputs their names back: the quantizer calls one that it makes float again
    `ranks_dequant`, and its integer source `ranks`."""
    wanted = {f"{output.name}{_DEQUANTIZED}": output.name for output in contract.outputs}
    if not wanted.keys() & {tensor.name for tensor in read_model_file(data, "").outputs}:
        return data
    tree = load_graph(data)
    for tensor in tree.subgraphs[0].tensors:
        name = tensor_name(tensor)
        if name in wanted.values():
            tensor.name = f"{name}_quantized"
        tensor.name = wanted.get(name, tensor.name)
    return save_graph(tree)


def fixed_ranges(contract: Contract) -> dict[str, tuple[float, float]]:
    """Ranges that the contract sets: the input's from its normalisation, the logits' from the
    head.

    Returns:
        {tensor name: (low, high)}.
    """
    fixed = {contract.input.name: input_range(contract.input.normalisation)}
    for output in contract.outputs:
        if output.head == "coral":
            fixed[output.name] = _symmetric(_LOGIT_LIMIT)
    return fixed


def _check_complete(model: bytes, ranges: Mapping[str, object], where: str) -> None:
    graph = read_model_file(model, where)
    written = {graph.tensors[i].name for op in graph.operators for i in op.outputs}
    missing = sorted(written - ranges.keys())
    if missing:
        raise FacesError(
            f"{where}: the ranges lack {len(missing)} tensors such as {missing[0]!r}; they belong "
            "to another model, record them again with: faceage-calibrate ranges"
        )


def _symmetric(limit: float) -> tuple[float, float]:
    """A range whose zero point is exactly 0: 256 steps from -limit, the last one left out."""
    return -limit, limit * 127 / 128


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Keep what the quantizer prints from stdout, which carries our JSON, its progress bar, which
    it draws for larger models whatever it is told (0.10), from stderr, and two warnings that say
    nothing to a user: of an interpreter it opens, and of biases too large for 32 bits
    (`dead_channels` sees to those that matter)."""
    with (
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
        warnings.catch_warnings(),
        np.errstate(invalid="ignore"),
    ):
        warnings.filterwarnings("ignore", ".*experimental_preserve_all_tensors", UserWarning)
        yield


def _statistic(low: float, high: float) -> dict[str, Any]:
    # Zero must be a value of every activation: padding and ReLU produce it.
    low, high = min(low, 0.0), max(high, 0.0)
    if high - low < _DEAD:
        # Zero on every face: any scale holds it, but XNNPACK runs no operation whose scales are
        # billions apart.
        high = low + 1.0
    return {
        "min": np.array([[low]], dtype=np.float32),
        "max": np.array([[high]], dtype=np.float32),
    }
