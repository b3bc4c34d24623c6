"""Open a model for a measurement, whatever files it is in: .tflite, two of them, or Keras."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faceage_edge.bundles import find_age
from faceage_edge.contract import Contract
from faceage_edge.delegates import DelegateSpec, parse_delegate
from faceage_edge.errors import UsageError
from faceage_edge.own_interval import with_own_interval
from faceage_edge.two_branches import TwoBranches, load_branches

__all__ = ["KERAS_SUFFIXES", "OpenedModel", "Pictures", "open_model", "parsed"]

Pictures = NDArray[np.uint8]

KERAS_SUFFIXES = (".keras", ".h5", ".hdf5")


@dataclass(frozen=True)
class OpenedModel:
    """A loaded model as a measurement sees it.

    Attributes:
        identity: the result file's `model`: path as given, name, digest, scheme, bytes; `device`
            where it is not this machine's processor. Of a model of two files they are the second's,
            but for the bytes, which are those of both, and the first's name, digest and bytes are
            in `whole`.
        contract: how its pictures are made and its outputs decoded.
        run: from crops, uint8 (n, height, width, 3) BGR in the contract's size, to real values
            by output name, float32 (n, ...).
    """

    identity: dict[str, Any]
    contract: Contract
    run: Callable[[Pictures], dict[str, NDArray[np.float32]]]


def parsed(text: str | None) -> DelegateSpec | None:
    """Parse what --delegate says, if anything; errors are `parse_delegate`'s."""
    return None if text is None else parse_delegate(text)


def open_model(
    name: str,
    *,
    contract_file: str | None = None,
    threads: int = 1,
    delegate: DelegateSpec | None = None,
) -> OpenedModel:
    """Open a model.

    Args:
        name: path of a .tflite file with its contract or of a Keras file, or a shipped name,
            which means the int8 file. Of a model of two files it is the second's. An interval
            beside it counts, as on a device.
        contract_file: contract of a Keras file, which carries none; when left out its neighbour
            with the ending .json, else what is usual. Not used for .tflite.
        threads: CPU threads.
        delegate: an accelerator for a .tflite file; what it computes is checked first.

    Raises:
        UsageError: a Keras file with a delegate.
        DelegateError: the accelerator is missing or does not work.
        ModelFileError: missing, damaged or foreign file.
        ContractError: no contract, or one about another file.
        MissingExtraError: a Keras file where Keras is not installed.
    """
    file = find_age(name)
    if file.suffix in KERAS_SUFFIXES:
        if delegate is not None:
            raise UsageError(f"--delegate {delegate} runs .tflite files, and {file} is none")
        # Keras lives on the host only; the device never gets here.
        from faceage_benchmarks.keras_model import open_keras

        contract, run, known = open_keras(file, contract_file, threads=threads)
    else:
        model = load_branches(file, threads=threads, delegate=delegate)
        contract, run = model.contract, model.run
        if contract.task == "age":
            contract = with_own_interval(contract, model.path)
        known = {} if delegate is None else {"device": delegate.library}
        if isinstance(model, TwoBranches):
            known |= _of_both(model)
    return OpenedModel(_identity(name, file, contract, known), contract, run)


def _identity(name: str, file: Path, contract: Contract, known: dict[str, Any]) -> dict[str, Any]:
    return {
        "path": name,
        "name": contract.name,
        "task": contract.task,
        "digest": contract.model_digest,
        "scheme": contract.scheme,
        "bytes": file.stat().st_size,
        **known,
    }


def _of_both(model: TwoBranches) -> dict[str, Any]:
    """What is known of a model of two files beside what its second file is."""
    first, size = model.whole, model.whole.path.stat().st_size
    named = {"name": first.contract.name, "digest": first.digest, "bytes": size}
    return {"bytes": model.path.stat().st_size + size, "whole": named}
