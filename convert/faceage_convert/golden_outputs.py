"""Record a model's golden outputs and put them into its contract."""

import math
from dataclasses import replace
from pathlib import Path

from faceage_convert.embed import embed_contract
from faceage_edge.contract import Contract, Output
from faceage_edge.errors import ModelFileError
from faceage_edge.golden import GENERATORS, record_golden
from faceage_edge.model import load_model_bytes

__all__ = ["with_golden"]

# Of a graph that computes in floats, values of a few units after a hundred thousand additions in
# another order: 1e-3 is 100 times what was seen between machines and a thousandth of what moves an
# age by a year.
_FLOAT_TOLERANCE = 1e-3
_FLOAT_SCHEMES = ("float32", "float16", "unknown")
# Steps of int16 that one of int8 over the same range holds.
_INT16_IN_INT8 = 256.0

_Recording = dict[str, list[list[float]]]


def with_golden(model: bytes, contract: Contract, where: str) -> tuple[bytes, Contract]:
    """Embed a contract with golden outputs for both kernels.

    Args:
        model: a .tflite file, with or without a contract.
        contract: what to embed.
        where: the file's name, for messages.

    Returns:
        The file with its contract, and the contract as written.

    Raises:
        ModelFileError: the model does not run, or returns NaN or infinity.
    """
    data, written = embed_contract(model, replace(contract, golden={}), where)
    recordings = {kernels: _record(data, kernels, where) for kernels in ("xnnpack", "builtin")}
    golden = {
        "pictures": list(GENERATORS),
        "tolerance": _tolerance(contract, recordings),
        **recordings,
    }
    return embed_contract(model, replace(written, golden=golden), where)


def _tolerance(contract: Contract, recordings: dict[str, _Recording]) -> float:
    """How far another machine's outputs may be off: one int8 step, since kernels may round a tie
    either way, told in the outputs' own units."""
    if contract.scheme in _FLOAT_SCHEMES:
        return _FLOAT_TOLERANCE
    return max(_step(output, contract.scheme, recordings) for output in contract.outputs)


def _step(output: Output, scheme: str, recordings: dict[str, _Recording]) -> float:
    if output.dtype == "int16":
        # Nothing in an int16x8 graph is coarser than its output; else a step was int8's once.
        return 1.0 if scheme == "int16x8" else _INT16_IN_INT8
    if output.dtype != "float32":
        return 1.0
    values = [v for kind in recordings.values() for picture in kind[output.name] for v in picture]
    # One of the 255 steps between the ends of what was seen.
    return max((max(values) - min(values)) / 255, _FLOAT_TOLERANCE)


def _record(data: bytes, kernels: str, where: str) -> _Recording:
    recording = record_golden(load_model_bytes(data, Path(where), xnnpack=kernels == "xnnpack"))
    for name, pictures in recording.items():
        if not all(math.isfinite(value) for picture in pictures for value in picture):
            raise ModelFileError(
                f"{where}: its output {name!r} holds values that are not finite for an ordinary "
                "picture; check the model's weights and the input's normalisation"
            )
    return recording
