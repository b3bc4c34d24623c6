"""One float model to one verified file: quantize, describe, record golden outputs, verify."""

import hashlib
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from faceage_calibration.ranges import Ranges
from faceage_convert.bias_correction import correct_biases
from faceage_convert.compare import Comparison
from faceage_convert.embed import without_contract
from faceage_convert.golden_outputs import with_golden
from faceage_convert.provenance import tool_versions
from faceage_convert.quantize import quantize_int8
from faceage_convert.schemes import check_int8, read_scheme
from faceage_convert.verify import Checks, different_pictures, verify_file
from faceage_edge.contract import Contract
from faceage_edge.errors import FacesError, ModelFileError
from faceage_edge.flatbuffer import TensorInfo, read_model_file
from faceage_models.float_source import FloatSource

__all__ = ["AgeResult", "Converted", "finish", "quantized_contract", "to_int8", "verified"]


@dataclass(frozen=True)
class Converted:
    """A converted file with its contract, the float model it came from and what was checked."""

    data: bytes
    contract: Contract
    source: FloatSource
    checks: Checks | None = None

    @property
    def file_name(self) -> str:
        """`<name>.<scheme>.tflite`: the scheme as read back, of a `mixed` one that word alone."""
        return f"{self.contract.name}.{self.contract.scheme.split()[0]}.tflite"


@dataclass(frozen=True)
class AgeResult:
    """A converted age model; on a user's faces also its ranges, and what int8 cost on others."""

    converted: Converted
    ranges: Ranges | None = None
    comparison: Comparison | None = None


def to_int8(source: FloatSource, ranges: Ranges) -> Converted:
    """Quantize a float model from recorded ranges; not yet verified.

    Args:
        source: the float model with its contract embedded.
        ranges: recorded on this very model.

    Raises:
        FacesError: the ranges are of another model.
        ModelFileError: the model cannot be quantized to int8 throughout.
    """
    if ranges.model_digest != source.contract.model_digest:
        raise FacesError(
            f"the ranges belong to a model with digest {ranges.model_digest[:16]}, {source.path} "
            f"has {source.contract.model_digest[:16]}; record them again with: "
            f"faceage-calibrate ranges --model {source.path} --faces PATH --out FILE"
        )
    where = str(source.path)
    bare = without_contract(source.data)
    quantized = quantize_int8(bare, ranges.tensors, source.contract, where)
    if ranges.means:
        corrected = correct_biases(bare, quantized, ranges.means, where)
        quantized = quantize_int8(corrected, ranges.tensors, source.contract, where)
    check_int8(read_model_file(quantized, where), where)
    contract = quantized_contract(source.contract, quantized, where)
    provenance = {
        **contract.provenance,
        "source_digest": source.contract.model_digest,
        "graph_digest": hashlib.sha256(quantized).hexdigest(),
        "calibration": {
            "n": ranges.calibration.n,
            "digest": ranges.calibration.digest,
            "pictures": "".join(ranges.calibration.pictures),
        },
        "tools": tool_versions(),
    }
    return Converted(quantized, replace(contract, provenance=provenance), source)


def quantized_contract(contract: Contract, quantized: bytes, where: str) -> Contract:
    """Restate a float model's contract for its quantized file: types, scales and scheme as read
    back from that file.

    Raises:
        ModelFileError: an input or output of the contract is not in the file.
    """
    model = read_model_file(quantized, where)
    tensors = {tensor.name: tensor for tensor in (*model.inputs, *model.outputs)}
    missing = {contract.input.name, *(o.name for o in contract.outputs)} - set(tensors)
    if missing:
        raise ModelFileError(
            f"{where}: the quantized file has {sorted(tensors)}, but not {sorted(missing)}"
        )
    return replace(
        contract,
        input=replace(contract.input, **_quantum(tensors[contract.input.name])),
        outputs=tuple(replace(o, **_quantum(tensors[o.name])) for o in contract.outputs),
        provenance={**contract.provenance, "scheme": read_scheme(model)},
    )


def _quantum(tensor: TensorInfo) -> dict[str, Any]:
    if not tensor.scales:
        return {"dtype": tensor.dtype, "scale": 1.0, "zero_point": 0}
    # The shortest decimal that reads back as the file's float32.
    scale = float(str(np.float32(tensor.scales[0])))
    return {"dtype": tensor.dtype, "scale": scale, "zero_point": tensor.zero_points[0]}


def finish(converted: Converted, crops: npt.NDArray[np.uint8] | None = None) -> Converted:
    """Embed the contract with golden outputs and verify the finished file.

    Args:
        converted: from `to_int8`.
        crops: as for `verified`.

    Raises:
        ModelFileError: verification failed.
    """
    data, contract = with_golden(converted.data, converted.contract, converted.file_name)
    return verified(replace(converted, data=data, contract=contract), crops)


def verified(converted: Converted, crops: npt.NDArray[np.uint8] | None = None) -> Converted:
    """Verify a file that carries its contract and golden outputs.

    Args:
        converted: the file.
        crops: faces in the model's size that differ, uint8 (n, height, width, 3), BGR; drawn
            pictures where there are none.

    Raises:
        ModelFileError: verification failed.
    """
    if crops is None:
        size = converted.contract.input
        crops = different_pictures(size.height, size.width)
    return replace(converted, checks=verify_file(converted.data, converted.file_name, crops))
