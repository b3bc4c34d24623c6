"""Where a contract sits in a model file, and whether the two belong together."""

import hashlib
import json
import math
from dataclasses import replace

from faceage_edge.contract import Contract
from faceage_edge.errors import ContractError
from faceage_edge.flatbuffer import ModelFile, read_model_file
from faceage_edge.operators import refuse_unknown

__all__ = [
    "METADATA_NAME",
    "contract_bytes",
    "model_digest",
    "parse_contract",
    "read_contract",
    "seal",
]

METADATA_NAME = "faceage.contract"

_NO_DIGEST = "0" * 64


def read_contract(data: bytes, where: str, *, sidecar: bytes | None = None) -> Contract:
    """Read a model's contract and check that it describes this very file.

    Args:
        data: the whole .tflite file.
        where: the file's name, for messages.
        sidecar: content of the JSON file beside the model, used only where the model itself
            carries no contract (the Edge TPU compiler may drop foreign metadata).

    Returns:
        The contract.

    Raises:
        ModelFileError: no TensorFlow Lite model, or a damaged one.
        ContractError: no contract, a malformed one, or one that belongs to another file.
    """
    model = read_model_file(data, where)
    found = _embedded(data, model)
    if found is None:
        found = sidecar
    if found is None:
        raise ContractError(
            f"{where} carries no contract (metadata {METADATA_NAME!r}), so its preprocessing and "
            "output are unknown; write it with faceage-convert --model FILE --faces PATH --out DIR "
            "(a face detector: --detector FILE instead of --model FILE)"
        )
    contract = parse_contract(found, where)
    _check_text(found, contract, where)
    _check_digest(data, contract, where)
    _check_tensors(model, contract, where)
    refuse_unknown(model, where)
    return contract


def parse_contract(text: bytes, where: str) -> Contract:
    """Parse a contract's JSON bytes.

    Raises:
        ContractError: not JSON, or not a contract.
    """
    try:
        document = json.loads(text, parse_constant=_no_number, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        raise ContractError(
            f"{where}: the contract is not JSON ({error}); convert the model again"
        ) from error
    return Contract.from_json(document, where)


def _no_number(word: str) -> float:
    raise ValueError(f"it holds {word}, which is no JSON")


def _finite(digits: str) -> float:
    value = float(digits)
    if math.isinf(value):  # 1e999: every later reader would write it as Infinity
        raise ValueError(f"it holds {digits[:20]}, which is beyond any float")
    return value


def contract_bytes(contract: Contract) -> bytes:
    """Write a contract as the bytes that go into the model and beside it: UTF-8 JSON, a line for
    each top-level field."""
    lines = [
        f" {json.dumps(name)}: {json.dumps(value, ensure_ascii=False, allow_nan=False)}"
        for name, value in contract.to_json().items()
    ]
    return ("{\n" + ",\n".join(lines) + "\n}\n").encode("utf-8")


def model_digest(data: bytes, where: str = "model") -> str:
    """Digest a model file as its contract states it.

    Args:
        data: the whole .tflite file.
        where: the file's name, for messages.

    Returns:
        SHA-256 in hex of the file with the contract's bytes, if any, set to zero.

    Raises:
        ModelFileError: no TensorFlow Lite model, or a damaged one.
    """
    place = read_model_file(data, where).metadata.get(METADATA_NAME)
    if place is None:
        return hashlib.sha256(data).hexdigest()
    start, length = place
    digest = hashlib.sha256(data[:start])
    digest.update(bytes(length))
    digest.update(data[start + length :])
    return digest.hexdigest()


def _embedded(data: bytes, model: ModelFile) -> bytes | None:
    place = model.metadata.get(METADATA_NAME)
    return None if place is None else data[place[0] : place[0] + place[1]]


def seal(contract: Contract, digest: str) -> Contract:
    """State in a contract which file it is about, and what its own bytes are.

    Args:
        contract: digests that it states already are replaced.
        digest: from `model_digest`, or 64 digits that stand for it.

    Returns:
        The contract with `provenance.model_digest` and `provenance.contract_digest`; its bytes
        are as many whatever the digests are.
    """
    blank = _with_digests(contract, digest, _NO_DIGEST)
    return _with_digests(contract, digest, _text_digest(contract_bytes(blank), _NO_DIGEST))


def _with_digests(contract: Contract, model: str, own: str) -> Contract:
    digests = {"model_digest": model, "contract_digest": own}
    return replace(contract, provenance={**contract.provenance, **digests})


def _text_digest(text: bytes, stated: str) -> str:
    """SHA-256 of a contract's bytes, in which the digest that it states of itself is zeros."""
    return hashlib.sha256(text.replace(stated.encode(), _NO_DIGEST.encode())).hexdigest()


def _check_text(text: bytes, contract: Contract, where: str) -> None:
    stated = str(contract.provenance.get("contract_digest") or "none")
    if _text_digest(text, stated) != stated:
        raise ContractError(
            f"{where}: the contract was changed after it was written: it states the digest "
            f"{stated[:16]} of itself and has another; copy the file again, or convert the "
            "model again"
        )


def _check_digest(data: bytes, contract: Contract, where: str) -> None:
    actual = model_digest(data, where)
    if actual != contract.model_digest:
        raise ContractError(
            f"{where}: the contract is about another file: it names the model digest "
            f"{contract.model_digest[:16] or '(none)'}, this file has {actual[:16]}; "
            "the file was changed or mixed up, copy or convert it again"
        )


def _check_tensors(model: ModelFile, contract: Contract, where: str) -> None:
    expected = contract.input
    shape = (expected.batch, expected.height, expected.width, 3)
    if len(model.inputs) != 1:
        raise ContractError(f"{where}: {len(model.inputs)} inputs, expected one")
    found = model.inputs[0]
    if (found.name, found.shape, found.dtype) != (expected.name, shape, expected.dtype):
        raise ContractError(
            f"{where}: the input is {found.name!r} {found.shape} {found.dtype}, "
            f"its contract says {expected.name!r} {shape} {expected.dtype}; convert the model again"
        )
    _check_quantum(found.scales, found.zero_points, expected.scale, expected.zero_point, where)
    by_name = {tensor.name: tensor for tensor in model.outputs}
    for output in contract.outputs:
        tensor = by_name.get(output.name)
        if tensor is None:
            raise ContractError(
                f"{where}: no output named {output.name!r}, found {', '.join(sorted(by_name))}; "
                "the contract belongs to another model"
            )
        size = 1
        for side in tensor.shape[1:]:
            size *= side
        stated = (expected.batch, output.size, output.dtype)
        if (*tensor.shape[:1], size, tensor.dtype) != stated:
            raise ContractError(
                f"{where}: output {output.name!r} is {tensor.dtype} {tensor.shape}, its contract "
                f"says {output.dtype} with {output.size} values for each of {expected.batch} "
                "crops; convert the model again"
            )
        _check_quantum(tensor.scales, tensor.zero_points, output.scale, output.zero_point, where)


def _check_quantum(
    scales: tuple[float, ...], points: tuple[int, ...], scale: float, zero_point: int, where: str
) -> None:
    # A float tensor has no scale of its own; the contract then states 1 and 0.
    in_file = (scales[0], points[0]) if scales and points else (1.0, 0)
    # Scales are float32 in the file and decimal in JSON: 1e-6 is above that rounding and far
    # below any scale that would mean something else.
    # Written so that a scale of NaN fails.
    if not abs(in_file[0] - scale) <= 1e-6 * in_file[0] or in_file[1] != zero_point:
        raise ContractError(
            f"{where}: a tensor is quantized with scale {in_file[0]:g} and zero point "
            f"{in_file[1]}, the contract says {scale:g} and {zero_point}; convert the model again"
        )
