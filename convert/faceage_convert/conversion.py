"""One float model to one verified file: quantize, describe, record golden outputs, verify."""

import hashlib
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from faceage_calibration.ranges import Ranges
from faceage_convert.bias_correction import correct_biases
from faceage_convert.embed import without_contract
from faceage_convert.equalise import equalise
from faceage_convert.finite import check_finite
from faceage_convert.fitted_rounding import with_rounding
from faceage_convert.golden_outputs import with_golden
from faceage_convert.provenance import tool_versions
from faceage_convert.quantize import quantize_model
from faceage_convert.recipes import INT8, Recipe, refined_name
from faceage_convert.schemes import check_scheme, read_scheme
from faceage_convert.verify import Checks, different_pictures, verify_file
from faceage_edge.contract import Contract
from faceage_edge.errors import FacesError, ModelFileError
from faceage_edge.flatbuffer import TensorInfo, read_model_file
from faceage_models.float_source import FloatSource

__all__ = ["Converted", "equalised", "finish", "quantized_contract", "to_quantized", "verified"]


@dataclass(frozen=True)
class Converted:
    """A converted file with its contract, the float model it came from and what was checked.

    `graph` is the float file whose tensors the converted ones stand for: the source's own but where
    its channels were equalised.
    """

    data: bytes
    contract: Contract
    source: FloatSource
    checks: Checks | None = None
    graph: bytes = b""

    @property
    def file_name(self) -> str:
        """`<name>.<scheme>.tflite`: the scheme as read back, of a `mixed` one that word alone."""
        return f"{self.contract.name}.{self.contract.scheme.split()[0]}.tflite"


def to_quantized(source: FloatSource, ranges: Ranges | None, recipe: Recipe = INT8) -> Converted:
    """Quantize a float model by a recipe; not yet verified.

    Args:
        source: the float model with its contract embedded.
        ranges: recorded on this very model; None where the recipe needs none. Fitted rounding is
            taken from them.
        recipe: the scheme, the layers that are kept finer, and how it is refined.

    Raises:
        FacesError: the ranges are of another model, or missing, or lack the rounding.
        ModelFileError: the model holds numbers that are not finite, or cannot be quantized so.
    """
    where = str(source.path)
    _check_ranges(source, ranges, recipe)
    bare = without_contract(source.data)
    check_finite(bare, where)
    graph, ranges = equalised(bare, ranges, where, recipe)
    quantized = _quantized(graph, ranges, source.contract, where, recipe)
    check_scheme(read_model_file(quantized, where), where, recipe)
    contract = quantized_contract(source.contract, quantized, where)
    provenance = {
        **contract.provenance,
        "source_digest": source.contract.model_digest,
        "graph_digest": hashlib.sha256(quantized).hexdigest(),
        **({} if ranges is None else _ranges_facts(ranges)),
        **({"kept": list(recipe.kept)} if recipe.kept else {}),
        **({"refined": list(recipe.refine)} if recipe.refine else {}),
        "tools": tool_versions(),
    }
    contract = replace(contract, provenance=provenance)
    return Converted(quantized, contract, source, graph=graph)


def equalised(
    bare: bytes, ranges: Ranges | None, where: str, recipe: Recipe
) -> tuple[bytes, Ranges | None]:
    """The float file that a recipe quantizes, and the ranges as recorded on it."""
    if ranges is None or "equalise" not in recipe.refine:
        return bare, ranges
    return equalise(bare, ranges, where)


def _check_ranges(source: FloatSource, ranges: Ranges | None, recipe: Recipe) -> None:
    if ranges is None:
        if recipe.needs_ranges:
            raise FacesError(
                f"{source.path}: {recipe.name} needs the ranges of the activations; "
                "give faces to record them on with --faces PATH"
            )
    elif ranges.model_digest != source.contract.model_digest:
        raise FacesError(
            f"the ranges belong to a model with digest {ranges.model_digest[:16]}, {source.path} "
            f"has {source.contract.model_digest[:16]}; record them again with: "
            f"faceage-calibrate ranges --model {source.path} --faces PATH --out FILE"
        )
    elif "round" in recipe.refine and recipe.refine != ranges.refine:
        raise FacesError(
            f"the ranges of {source.path} hold no rounding that was fitted for "
            f"{refined_name(recipe.scheme, recipe.refine)}; fit it on faces with: faceage-convert "
            f"--model {source.path} --refine {' '.join(recipe.refine)} --faces PATH"
        )


def _quantized(
    bare: bytes, ranges: Ranges | None, contract: Contract, where: str, recipe: Recipe
) -> bytes:
    tensors = {} if ranges is None else ranges.tensors
    nearest = quantize_model(bare, tensors, contract, where, recipe)
    if ranges is None:
        return nearest
    rounding = ranges.rounding if "round" in recipe.refine else {}

    def again(model: bytes) -> bytes:
        rounded = with_rounding(model, nearest, rounding, where)
        return quantize_model(rounded, tensors, contract, where, recipe)

    quantized = again(bare) if rounding else nearest
    if not ranges.means:
        return quantized
    return again(correct_biases(bare, quantized, ranges.means, where))


def _ranges_facts(ranges: Ranges) -> dict[str, Any]:
    """What the contract says of where the ranges come from."""
    if ranges.qat is not None:
        return {"qat": ranges.qat}
    return {"calibration": _calibration(ranges)}


def _calibration(ranges: Ranges) -> dict[str, Any]:
    return {
        "n": ranges.calibration.n,
        "digest": ranges.calibration.digest,
        "pictures": "".join(ranges.calibration.pictures),
    }


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
        converted: from `to_quantized`.
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
