"""A model with its contract: pictures in, real numbers by output name out."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from faceage_edge.contract import Contract
from faceage_edge.delegates import DelegateSpec
from faceage_edge.embedded import read_contract
from faceage_edge.errors import ContractError, ModelFileError
from faceage_edge.golden import check_accelerated
from faceage_edge.interpreter import open_interpreter
from faceage_edge.preprocess import InputEncoder

__all__ = [
    "Model",
    "load_model",
    "load_model_bytes",
    "model_contract",
    "read_json_beside",
    "read_model_bytes",
]

# A face model is a few megabytes; a file beyond this is no model, and reading it whole could
# exhaust a board's memory.
_MOST_BYTES = 512 * 1024 * 1024


class Model:
    """One loaded model. Not safe to call from two threads at once."""

    def __init__(self, contract: Contract, interpreter: Any, path: Path) -> None:
        """Wrap an interpreter opened from the bytes that `contract` was read from."""
        self.contract = contract
        self.path = path
        self._encoder = InputEncoder(contract.input)
        self._interpreter = interpreter
        self._input_index = interpreter.get_input_details()[0]["index"]
        self._outputs = {
            details["name"]: details["index"] for details in interpreter.get_output_details()
        }

    @property
    def digest(self) -> str:
        """The model digest its contract states, SHA-256 in hex."""
        return self.contract.model_digest

    def run(self, pictures: npt.NDArray[np.uint8]) -> dict[str, npt.NDArray[np.float32]]:
        """Run the model on crops.

        Args:
            pictures: uint8 (n, height, width, 3), BGR, in the contract's size; any n.

        Returns:
            For every output its dequantized values, float32 (n, ...).
        """
        raw = self.run_raw(pictures)
        return {
            output.name: _real(raw[output.name], output.scale, output.zero_point)
            for output in self.contract.outputs
        }

    def numbers(self, picture: npt.NDArray[np.uint8]) -> dict[str, list[float]]:
        """Run the model on one crop, for outputs of so few numbers that arrays would cost more.

        Args:
            picture: uint8 (height, width, 3), BGR, in the contract's size.

        Returns:
            For every output its dequantized values, in the order of its last axis first.
        """
        raw = self._invoke(picture[None])
        return {
            output.name: [
                (value - output.zero_point) * output.scale
                for value in raw[output.name].ravel().tolist()
            ]
            for output in self.contract.outputs
        }

    def run_raw(self, pictures: npt.NDArray[np.uint8]) -> dict[str, npt.NDArray[np.generic]]:
        """Run the model on crops and return its outputs as the file computes them.

        Args:
            pictures: as for `run`.

        Returns:
            For every output of the contract its values in the output's own dtype, (n, ...).
        """
        batch = self.contract.input.batch
        parts = [
            self._invoke(pictures[start : start + batch])
            for start in range(0, max(len(pictures), 1), batch)
        ]
        if len(parts) == 1:
            return parts[0]
        return {
            output.name: np.concatenate([part[output.name] for part in parts])
            for output in self.contract.outputs
        }

    def _invoke(self, pictures: npt.NDArray[np.uint8]) -> dict[str, npt.NDArray[np.generic]]:
        wanted = self.contract.input
        expected = (wanted.height, wanted.width, 3)
        if pictures.shape[1:] != expected or pictures.dtype != np.uint8:
            raise ValueError(
                f"crops {pictures.dtype} {pictures.shape}, expected uint8 (n, {expected})"
            )
        encoded = self._encoder.encode(pictures)
        count = len(encoded)
        if count < wanted.batch:
            # The graph's batch is fixed: resizing it would rebuild the delegate.
            filler = np.zeros((wanted.batch - count, *expected), encoded.dtype)
            encoded = np.concatenate([encoded, filler])
        self._interpreter.set_tensor(self._input_index, encoded)
        self._interpreter.invoke()
        return {
            output.name: self._interpreter.get_tensor(self._outputs[output.name])[:count]
            for output in self.contract.outputs
        }


def load_model(
    path: Path | str,
    *,
    threads: int = 1,
    xnnpack: bool = True,
    delegate: DelegateSpec | None = None,
) -> Model:
    """Load a model file with its contract.

    Args:
        path: a .tflite file; its contract is inside, or in the JSON file beside it.
        threads: CPU threads for one invoke.
        xnnpack: use XNNPACK; False runs the built-in kernels.
        delegate: an accelerator to run it on; what it computes is checked first.

    Raises:
        ModelFileError: missing, damaged or foreign file.
        ContractError: no contract, or one about another file.
        DelegateError: the accelerator is missing or does not work.
    """
    path = Path(path)
    data = read_model_bytes(path)
    return load_model_bytes(
        data, path, sidecar=_beside(path), threads=threads, xnnpack=xnnpack, delegate=delegate
    )


def model_contract(path: Path) -> Contract:
    """Read the contract of a model file, without loading the model; errors are `load_model`'s."""
    return read_contract(read_model_bytes(path), str(path), sidecar=_beside(path))


def load_model_bytes(
    data: bytes,
    path: Path,
    *,
    sidecar: bytes | None = None,
    threads: int = 1,
    xnnpack: bool = True,
    delegate: DelegateSpec | None = None,
) -> Model:
    """Load a model from the bytes of its file; `path` names it in messages. See `load_model`."""
    contract = read_contract(data, str(path), sidecar=sidecar)
    interpreter = open_interpreter(
        data, str(path), threads=threads, xnnpack=xnnpack, delegate=delegate
    )
    model = Model(contract, interpreter, path)
    if delegate is not None:
        check_accelerated(model, delegate)
    return model


def read_model_bytes(path: Path) -> bytes:
    """Read a model file once, so that what is checked is what is run.

    Raises:
        ModelFileError: missing, unreadable, not a file, or far too large to be a model.
    """
    try:
        if path.is_dir():
            raise ModelFileError(f"{path} is a folder, expected a .tflite file in it")
        size = path.stat().st_size
        if size > _MOST_BYTES:
            raise ModelFileError(
                f"{path} holds {size:,} bytes, more than any face model; give a .tflite file"
            )
        return path.read_bytes()
    except OSError as error:
        raise ModelFileError(
            f"cannot read the model {path}: {error.strerror or error}; check the path"
        ) from error


def read_json_beside(path: Path, remedy: str) -> Any:
    """Read a JSON file that lies beside a model.

    Args:
        path: the file.
        remedy: what to do where it is none, for the message.

    Raises:
        ContractError: it is not JSON.
        ModelFileError: as `read_model_bytes`.
    """
    try:
        return json.loads(read_model_bytes(path))
    except (ValueError, RecursionError) as error:
        raise ContractError(f"{path} is not JSON ({error}); {remedy}") from error


def _beside(path: Path) -> bytes | None:
    sidecar = path.with_suffix(".json")
    return read_model_bytes(sidecar) if sidecar.is_file() else None


def _real(
    values: npt.NDArray[np.generic], scale: float, zero_point: int
) -> npt.NDArray[np.float32]:
    if values.dtype.kind == "f":
        return values.astype(np.float32)
    # Widened first: int8 minus its zero point does not fit int8.
    return (values.astype(np.float32) - zero_point) * np.float32(scale)
