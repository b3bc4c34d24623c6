"""A Keras model as a measurement runs it: the float side, on the host.

A Keras file carries no contract, so one is given with it: it says how pictures are made and what
the output means. Only these two are taken from it; what it says of a .tflite's integers is not.
"""

import hashlib
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faceage_edge.contract import AGE_HEADS, Contract
from faceage_edge.embedded import parse_contract
from faceage_edge.errors import ContractError
from faceage_edge.interpreter import open_interpreter
from faceage_edge.model import Model
from faceage_edge.preprocess import InputEncoder

__all__ = ["open_keras"]

# Crops, uint8 (n, height, width, 3), BGR.
Pictures = NDArray[np.uint8]
Outputs = dict[str, NDArray[np.float32]]
# Activations that squash logits: the contract's heads are logits.
_SQUASHING = ("sigmoid", "softmax")


def open_keras(
    file: Path, contract_file: str | None = None, *, threads: int = 1
) -> tuple[Contract, Callable[[Pictures], Outputs], dict[str, Any]]:
    """Load a Keras file and its contract.

    Args:
        file: .keras, .h5 or .hdf5.
        contract_file: its contract; when left out the file's neighbour with the ending .json, and
            where there is none what `faceage-convert` would assume of the model.
        threads: of the back end for one operation on a CPU; TensorFlow's are without effect once it
            has computed something.

    Returns:
        The contract, what runs the model (crops uint8 (n, height, width, 3) BGR to real values by
        output name, float32), and what identifies the file: `digest`, `scheme`, `framework`,
        `device`.

    Raises:
        ModelFileError: the file is missing, damaged or foreign.
        ContractError: no contract, or one that does not fit the model.
        MissingExtraError: Keras is not installed.
    """
    if contract_file is None and not file.with_suffix(".json").exists():
        return _assumed(file)
    contract = _contract(file, contract_file)
    # Loads a framework: seconds and hundreds of megabytes.
    from faceage_benchmarks.keras_device import chosen_keras, device_name, use_threads
    from faceage_models.keras_loading import load_keras

    keras, backend = chosen_keras()
    use_threads(backend, threads)
    model = load_keras(file, keras)
    _check(model, contract, file)
    encoder = InputEncoder(contract.input)
    name = next(output.name for output in contract.outputs if output.head in AGE_HEADS)

    def run(pictures: Pictures) -> Outputs:
        return {name: _answer(model.predict_on_batch(encoder.encode(pictures)), name)}

    return (
        contract,
        run,
        {
            "digest": hashlib.sha256(file.read_bytes()).hexdigest(),
            "scheme": "float32",
            "framework": f"keras on {backend}",
            # None on a CPU; a GPU's name is where the model ran.
            "device": device_name(backend),
        },
    )


def _assumed(file: Path) -> tuple[Contract, Callable[[Pictures], Outputs], dict[str, Any]]:
    """Open a model of which nothing is stated, as `faceage-convert` does: as a float .tflite."""
    from faceage_models.keras_file import float_tflite
    from faceage_models.specification import Hints, describe_float

    imported = float_tflite(file)
    source = describe_float(imported.data, file, Hints(), rescaling=imported.rescaling)
    for what in source.assumed:
        print(f"assumed of {file}: {what}", file=sys.stderr)
    model = Model(source.contract, open_interpreter(source.data, str(file)), file)
    known = {
        "digest": imported.source_digest,
        "scheme": "float32",
        "framework": "keras, through a float .tflite",
        "assumed": list(source.assumed),
    }
    return source.contract, model.run, known


def _contract(file: Path, contract_file: str | None) -> Contract:
    path = Path(contract_file) if contract_file else file.with_suffix(".json")
    try:
        text = path.read_bytes()
    except OSError as error:
        raise ContractError(
            f"{file} is a Keras file and carries no contract, and {path} cannot be read "
            f"({error.strerror}); name one with --contract FILE: faceage-convert --model "
            f"{file.name} --faces PATH --out DIR writes it as DIR/float/NAME.float32.json"
        ) from error
    contract = parse_contract(text, str(path))
    if not any(output.head in AGE_HEADS for output in contract.outputs):
        raise ContractError(
            f"{path} describes a {contract.task} model, expected one that says ages"
        )
    # The float model takes real numbers, whatever the integers of a converted file are.
    return replace(
        contract, input=replace(contract.input, dtype="float32", scale=1.0, zero_point=0)
    )


def _check(model: Any, contract: Contract, file: Path) -> None:
    wanted = (contract.input.height, contract.input.width, 3)
    shape = tuple(model.inputs[0].shape[1:])
    if len(model.inputs) != 1 or shape != wanted:
        raise ContractError(
            f"{file} takes {len(model.inputs)} input(s), the first of {shape}; its contract says "
            f"one of {wanted}: give the contract of this model with --contract"
        )
    last = getattr(getattr(model.layers[-1], "activation", None), "__name__", "")
    if last in _SQUASHING:
        raise ContractError(
            f"{file} ends in {last}, and a contract's outputs are logits; cut the last activation "
            "off, as faceage-convert asks too"
        )
    size = next(output.size for output in contract.outputs if output.head in AGE_HEADS)
    sizes = [int(output.shape[-1]) for output in model.outputs]
    if size not in sizes:
        raise ContractError(
            f"{file} has outputs of {sizes} values, its contract says {size}: give the contract of "
            "this model with --contract"
        )


def _answer(answer: Any, name: str) -> NDArray[np.float32]:
    """Return the ages' output: by name where there are several, else the only one."""
    if isinstance(answer, dict):
        if name not in answer and len(answer) > 1:
            raise ContractError(
                f"the model's outputs are {', '.join(answer)}, its contract names {name!r}"
            )
        answer = answer.get(name, next(iter(answer.values())))
    elif isinstance(answer, list | tuple):
        if len(answer) > 1:
            raise ContractError(
                f"the model has {len(answer)} unnamed outputs; save it with one, or with a dict "
                f"of outputs of which one is {name!r}"
            )
        answer = answer[0]
    return np.asarray(answer, dtype=np.float32)
