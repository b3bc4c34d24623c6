"""Record a model's golden outputs and put them into its contract."""

import math
from dataclasses import replace
from pathlib import Path

from faceage_convert.embed import embed_contract
from faceage_edge.contract import Contract
from faceage_edge.errors import ModelFileError
from faceage_edge.golden import GENERATORS, record_golden
from faceage_edge.model import load_model_bytes

__all__ = ["with_golden"]

# One quantum: kernels may round a tie either way. For float outputs, values of a few units after
# a hundred thousand additions in another order: 1e-3 is 100 times what was seen between machines
# and a thousandth of what moves an age by a year.
_TOLERANCE = {"int8": 1.0, "uint8": 1.0, "float32": 1e-3}

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
        "tolerance": _TOLERANCE[contract.input.dtype],
        **recordings,
    }
    return embed_contract(model, replace(written, golden=golden), where)


def _record(data: bytes, kernels: str, where: str) -> _Recording:
    recording = record_golden(load_model_bytes(data, Path(where), xnnpack=kernels == "xnnpack"))
    for name, pictures in recording.items():
        if not all(math.isfinite(value) for picture in pictures for value in picture):
            raise ModelFileError(
                f"{where}: its output {name!r} holds values that are not finite for an ordinary "
                "picture; check the model's weights and the input's normalisation"
            )
    return recording
