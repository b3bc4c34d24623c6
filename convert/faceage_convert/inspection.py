"""What a .tflite file is, read from the file itself: nothing is taken from its name."""

import hashlib
from collections import Counter
from pathlib import Path
from typing import Any

from faceage_convert.opened import open_apart
from faceage_convert.recipes import REFINEMENTS
from faceage_convert.schemes import read_scheme
from faceage_edge.contract import Contract
from faceage_edge.embedded import METADATA_NAME, read_contract
from faceage_edge.errors import ContractError, ModelFileError
from faceage_edge.flatbuffer import ModelFile, TensorInfo, read_model_file
from faceage_edge.interval import interval_document
from faceage_edge.model import read_model_bytes
from faceage_edge.operators import EDGE_TPU, operator_names, refuse_unknown
from faceage_models.tflite_cost import graph_cost
from faceage_models.tflite_graph import schema_operator_name

__all__ = ["inspect_bytes", "inspect_file", "operator_rows"]

_UNKNOWN = "builtin "  # how the device calls what is not on its list


def inspect_file(path: Path) -> dict[str, Any]:
    """Inspect a .tflite file; a contract beside it counts where it carries none.

    Args:
        path: of the file.

    Returns:
        As for `inspect_bytes`.

    Raises:
        ModelFileError: missing, no TensorFlow Lite model, or damaged.
    """
    sidecar = path.with_suffix(".json")
    beside = read_model_bytes(sidecar) if sidecar.is_file() else None
    return inspect_bytes(read_model_bytes(path), path, sidecar=beside)


def inspect_bytes(data: bytes, path: Path, *, sidecar: bytes | None = None) -> dict[str, Any]:
    """Collect what a .tflite file holds as JSON values.

    What cannot be told is None, with the reason under `problems`.

    Args:
        data: the whole file.
        path: names it.
        sidecar: content of the JSON file beside it.

    Raises:
        ModelFileError: no TensorFlow Lite model, or a damaged one.
    """
    where = str(path)
    model = read_model_file(data, where)
    problems: list[str] = []
    return {
        "file": path.name,
        "size_bytes": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
        "scheme": read_scheme(model),
        "inputs": [_tensor(tensor) for tensor in model.inputs],
        "outputs": [_tensor(tensor) for tensor in model.outputs],
        "operators": operator_rows(model),
        "weights": _weights(model),
        **_cost(data, model),
        **_runtime(data, model, where, problems),
        "contract": _contract(data, model, where, sidecar, problems),
        "metadata": sorted(model.metadata),
        "problems": problems,
    }


def operator_rows(model: ModelFile) -> list[dict[str, Any]]:
    """The operators that are alike as one row each, in the order they first stand in the graph:
    name, version, count, dtypes of the first input and output."""
    rows = Counter(
        (name, operator.version, _dtype(model, operator.inputs), _dtype(model, operator.outputs))
        for operator, name in zip(model.operators, _names(model), strict=True)
    )
    return [
        {"name": name, "version": version, "count": count, "input": taken, "output": given}
        for (name, version, taken, given), count in rows.items()
    ]


def _names(model: ModelFile) -> list[str]:
    """Operators by name; those that the device does not run by their name in the schema."""
    return [
        schema_operator_name(operator.code) if name.startswith(_UNKNOWN) else name
        for operator, name in zip(model.operators, operator_names(model), strict=True)
    ]


def _dtype(model: ModelFile, tensors: tuple[int, ...]) -> str:
    found = next((model.tensors[i] for i in tensors if 0 <= i < len(model.tensors)), None)
    return "" if found is None else found.dtype


def _tensor(tensor: TensorInfo) -> dict[str, Any]:
    return {
        "name": tensor.name,
        "shape": list(tensor.shape),
        "dtype": tensor.dtype,
        "scale": tensor.scales[0] if tensor.scales else None,
        "zero_point": tensor.zero_points[0] if tensor.zero_points else None,
    }


def _weights(model: ModelFile) -> list[dict[str, Any]]:
    """Stored tensors that are alike as one row each; along `axis` their scales differ."""
    rows: Counter[tuple[str, str, int | None, int]] = Counter()
    for operator, kind in zip(model.operators, _names(model), strict=True):
        for place, index in enumerate(operator.inputs):
            if 0 <= index < len(model.tensors) and model.tensors[index].constant:
                rows[(kind, *_stored(model.tensors[index]), place)] += 1
    return [
        {"operator": kind, "input": place, "dtype": dtype, "axis": axis, "count": count}
        for (kind, dtype, axis, place), count in rows.items()
    ]


def _stored(tensor: TensorInfo) -> tuple[str, int | None]:
    return tensor.dtype, tensor.axis if len(tensor.scales) > 1 else None


def _cost(data: bytes, model: ModelFile) -> dict[str, Any]:
    # Shapes of a damaged file need not fit its operators; its graph then has no cost to state.
    try:
        cost = graph_cost(data)
    except (ModelFileError, IndexError, TypeError, ValueError, AttributeError):
        return {"multiply_adds": None, "parameters": None}
    compiled = EDGE_TPU in operator_names(model)
    # What is inside an Edge TPU's operator is not in the graph.
    return {
        "multiply_adds": None if compiled else cost.multiply_adds,
        "parameters": None if compiled else cost.parameters,
    }


def _runtime(data: bytes, model: ModelFile, where: str, problems: list[str]) -> dict[str, Any]:
    nothing = {"xnnpack": None, "arena_bytes": None}
    if EDGE_TPU in operator_names(model):
        problems.append("compiled for the Edge TPU: it runs there only")
        return nothing
    try:
        refuse_unknown(model, where)
    except ModelFileError as error:
        problems.append(str(error))
    try:
        opened = open_apart(data, where)
    except ModelFileError as error:
        problems.append(str(error))
        return nothing
    return {
        "xnnpack": {"partitions": opened.partitions, "left_out": list(opened.left_out)},
        "arena_bytes": opened.arena_bytes,
    }


def _contract(
    data: bytes, model: ModelFile, where: str, sidecar: bytes | None, problems: list[str]
) -> dict[str, Any] | None:
    if METADATA_NAME not in model.metadata and sidecar is None:
        return None
    try:
        contract = read_contract(data, where, sidecar=sidecar)
    except (ContractError, ModelFileError) as error:
        problems.append(str(error))
        return None
    return _summary(contract, "inside" if METADATA_NAME in model.metadata else "beside")


def _trained(stated: object) -> dict[str, int] | None:
    """Of how long a model was trained for int8, as far as the contract says it in numbers."""
    stated = stated if isinstance(stated, dict) else {}
    found = {key: stated.get(key) for key in ("steps", "faces")}
    numbers = {key: value for key, value in found.items() if isinstance(value, int)}
    return numbers if numbers.keys() == found.keys() else None


def _refined(stated: object) -> list[str]:
    """How a file was refined, as far as the contract says it in words that are known."""
    return [one for one in REFINEMENTS if one in stated] if isinstance(stated, list) else []


def _summary(contract: Contract, place: str) -> dict[str, Any]:
    known = contract.provenance
    calibration = known.get("calibration")
    return {
        "place": place,
        "task": contract.task,
        "name": contract.name,
        "licence": contract.licence,
        "scheme": contract.scheme,
        "model_digest": contract.model_digest,
        "source_digest": known.get("source_digest"),
        "derived_from": known.get("derived_from"),
        "crop": contract.crop.kind,
        "heads": [output.head for output in contract.outputs],
        "interval": None if contract.interval is None else interval_document(contract.interval),
        "calibration_faces": calibration.get("n") if isinstance(calibration, dict) else None,
        "qat": _trained(known.get("qat")),
        "refined": _refined(known.get("refined")),
        "measured": known.get("measured"),
        "tools": known.get("tools"),
    }
