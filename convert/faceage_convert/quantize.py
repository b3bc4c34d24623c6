"""Quantize a float .tflite to int8 from recorded ranges.

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
from faceage_edge.contract import Contract, Input
from faceage_edge.errors import FacesError, ModelFileError, missing_extra
from faceage_edge.flatbuffer import read_model_file

__all__ = ["fixed_ranges", "quantize_int8"]

# Logits beyond this range decide a rank with a probability of 0.9997: clipping there costs at
# most 0.0003 years a rank, and 16 steps a unit keep the rest fine (DESIGN: head).
_LOGIT_LIMIT = 8.0
# A tensor whose values all lie within this of zero says nothing.
_DEAD = 1e-7


def quantize_int8(
    model: bytes, ranges: Mapping[str, tuple[float, float]], contract: Contract, where: str
) -> bytes:
    """Quantize weights and activations to int8, inputs and outputs included.

    Args:
        model: a float .tflite file.
        ranges: smallest and largest value of every tensor on the calibration faces.
        contract: the float model's contract; input and head ranges follow from it, not from data.
        where: the model's name, for messages.

    Returns:
        The int8 .tflite file, without a contract.

    Raises:
        FacesError: a tensor of the model has no range: the ranges are of another model.
        ModelFileError: the quantizer refuses the model.
    """
    all_ranges = {**ranges, **fixed_ranges(contract)}
    _check_complete(model, all_ranges, where)
    quantizer = _quantizer(raise_dead_channels(model, all_ranges, where))
    statistics = {name: _statistic(low, high) for name, (low, high) in all_ranges.items()}
    try:
        with _silence():
            result = quantizer.quantize(statistics, enable_progress_report=False)
    except (KeyError, ValueError, RuntimeError, NotImplementedError) as error:
        raise ModelFileError(f"{where} cannot be quantized to int8: {error}") from error
    return bytes(result.quantized_model)


def fixed_ranges(contract: Contract) -> dict[str, tuple[float, float]]:
    """Ranges that the contract sets: the input's from its normalisation, the logits' from the
    head.

    Returns:
        {tensor name: (low, high)}.
    """
    fixed = {contract.input.name: _input_range(contract.input)}
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


def _input_range(wanted: Input) -> tuple[float, float]:
    normalisation = wanted.normalisation
    if normalisation.kind == "standardise":
        return normalisation.clip[0], normalisation.clip[1]
    ends = [
        (byte - mean) / std
        for byte in (0.0, 255.0)
        for mean, std in zip(normalisation.mean, normalisation.std, strict=True)
    ]
    return min(ends), max(ends)


def _symmetric(limit: float) -> tuple[float, float]:
    """A range whose zero point is exactly 0: 256 steps from -limit, the last one left out."""
    return -limit, limit * 127 / 128


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Keep what the quantizer prints from stdout, which carries our JSON, and two warnings that
    say nothing to a user: of an interpreter it opens, and of biases too large for 32 bits
    (`dead_channels` sees to those that matter)."""
    with (
        contextlib.redirect_stdout(io.StringIO()),
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


def _quantizer(model: bytes) -> Any:
    try:
        from ai_edge_quantizer import qtyping, quantizer
    except ImportError as error:
        raise missing_extra("ai_edge_quantizer", "convert") from error
    own = quantizer.Quantizer(bytearray(model))
    operation = qtyping.TFLOperationName
    own.add_static_config(".*", operation.ALL_SUPPORTED, 8, 8)
    own.add_static_config(
        ".*",
        operation.FULLY_CONNECTED,
        8,
        8,
        weight_granularity=qtyping.QuantGranularity.TENSORWISE,
    )
    return own
