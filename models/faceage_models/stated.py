"""A contract that a user wrote by hand for a float model, completed from the model itself.

What the file tells is filled in: name and size of the input, size of an output, the name of an
only output. What only people know must be stated: the heads, the normalisation, the colour order.
"""

import json
from pathlib import Path
from typing import Any

from faceage_edge.contract import CONTRACT_FORMAT, Contract
from faceage_edge.errors import ContractError
from faceage_edge.flatbuffer import ModelFile
from faceage_models.age_output import output_size
from faceage_models.views import read_document

__all__ = ["read_stated"]

# What a float tensor's quantization is, whatever a copied contract says of its int8 sibling.
_FLOAT = {"dtype": "float32", "scale": 1.0, "zero_point": 0}
# Facts about other files than this one.
_NOT_TAKEN = ("golden", "interval", "provenance")


def read_stated(
    path: Path, model: ModelFile, defaults: dict[str, Any], *, task: str = "age"
) -> tuple[Contract, set[str]]:
    """Read a contract beside a model.

    Args:
        path: the user's file, JSON or TOML.
        model: the float model it is about.
        defaults: fields of a contract's JSON for what the file leaves out.
        task: what the model must be.

    Returns:
        The contract, and which of the defaults it took.

    Raises:
        ContractError: the file cannot be read, is no contract of such a model, or contradicts the
            model.
    """
    stated = _read(path)
    document = {
        "format": CONTRACT_FORMAT,
        "task": task,
        **defaults,
        **{key: value for key, value in stated.items() if key not in _NOT_TAKEN},
        "input": _input(stated.get("input"), model, str(path)),
        "outputs": _outputs(stated.get("outputs"), model, str(path)),
        "golden": {},
        "provenance": {"scheme": "float32"},
    }
    contract = Contract.from_json(document, str(path))
    if contract.task != task:
        wanted = "an age" if task == "age" else f"a {task}"
        raise ContractError(f"{path} describes a {contract.task} model, expected {wanted} model")
    return contract, set(defaults) - set(stated)


def _read(path: Path) -> dict[str, Any]:
    try:
        document = read_document(path)
    except OSError as error:
        raise ContractError(
            f"cannot read the contract {path}: {error.strerror or error}; check the path"
        ) from error
    except (ValueError, RecursionError) as error:
        kind = "TOML" if path.suffix == ".toml" else "JSON"
        raise ContractError(
            f"{path} is no contract: it is not {kind} ({error}); docs/contract.md shows one"
        ) from error
    return _object(document, str(path))


def _input(stated: object, model: ModelFile, where: str) -> dict[str, Any]:
    picture = model.inputs[0]
    sides = dict(zip(("batch", "height", "width"), picture.shape, strict=False))
    given = _object(stated, f"{where}, input")
    for side, found in sides.items():
        if given.get(side, found) != found:
            raise ContractError(
                f"{where} states an input {side} of {given[side]}, but the model takes {found}; "
                "leave it out, it is read from the model"
            )
    return {**given, **sides, "name": picture.name, **_FLOAT}


def _outputs(stated: object, model: ModelFile, where: str) -> list[dict[str, Any]]:
    if not isinstance(stated, list) or not stated:
        raise ContractError(
            f'{where}: expected "outputs" to list what the model returns, with the head of each'
        )
    sizes = {tensor.name: output_size(tensor) for tensor in model.outputs}
    outputs = []
    for number, item in enumerate(stated):
        given = _object(item, f"{where}, outputs[{number}]")
        name = given.get("name", next(iter(sizes)) if len(sizes) == 1 else None)
        if name not in sizes:
            raise ContractError(
                f"{where} states an output {name!r}; the model has "
                + ", ".join(f"{known!r} with {size} values" for known, size in sizes.items())
            )
        if given.get("size", sizes[name]) != sizes[name]:
            raise ContractError(
                f"{where} states that {name!r} has {given['size']} values, but the model gives "
                f"{sizes[name]}; leave it out, it is read from the model"
            )
        outputs.append({**given, "name": name, "size": sizes[name], **_FLOAT})
    return outputs


def _object(value: object, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ContractError(f"{where}: expected a JSON object, found {json.dumps(value)[:60]}")
    return value
