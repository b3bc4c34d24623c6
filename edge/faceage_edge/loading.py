"""Decide which model files a command line means, and load them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from faceage_edge.age import AgeModel, load_age_model
from faceage_edge.bundles import DEFAULT_AGE, find, find_age
from faceage_edge.contract import Contract
from faceage_edge.delegates import DelegateSpec
from faceage_edge.detector import DEFAULT_DETECTOR, Detector, load_detector
from faceage_edge.errors import ModelFileError
from faceage_edge.model import model_contract
from faceage_edge.two_branches import says_where

__all__ = ["Choice", "Models", "choose", "folder_contracts", "load_bundle"]

# Of models that differ in nothing else, the one this project is about.
_PREFERRED_SCHEME = "int8"


@dataclass(frozen=True)
class Choice:
    """Which files are meant: the age model's, and the detector's folder with one scheme of it, or
    its one file."""

    age: Path
    detector: Path
    scheme: str


@dataclass(frozen=True)
class Models:
    """The two models of the loop, and where they came from, for messages."""

    age: AgeModel
    detector: Detector
    age_path: Path
    detector_path: Path


def load_bundle(
    folder: str | None = None,
    *,
    age: str | None = None,
    detector: str | None = None,
    threads: int = 1,
    decode: str = "sum",
    delegates: Sequence[DelegateSpec] = (),
) -> Models:
    """Load an age model and a face detector.

    Args:
        folder: as for `choose`, and so are `age` and `detector`.
        threads: CPU threads for one invoke.
        decode: how ages are read off a CORAL head, see `age.decode_ages`.
        delegates: none for the CPU; one accelerator for all models; or two, the first for the
            age model and the second for the detector.

    Raises:
        DelegateError: an accelerator is missing or does not work.
        ModelFileError: as for `choose`, and where the folder holds only part of a detector.
        ContractError: as for `choose`.
    """
    chosen = choose(folder, age=age, detector=detector)
    first, last = (delegates[0], delegates[-1]) if delegates else (None, None)
    return Models(
        load_age_model(chosen.age, threads=threads, decode=decode, delegate=first),
        load_detector(chosen.detector, scheme=chosen.scheme, threads=threads, delegate=last),
        chosen.age,
        chosen.detector,
    )


def choose(
    folder: str | None = None, *, age: str | None = None, detector: str | None = None
) -> Choice:
    """Decide which files a command line means.

    Which file of a folder is which, its contract says. Where a folder holds a model in several
    quantization schemes the int8 one is taken.

    Args:
        folder: a folder that faceage-convert wrote, or a shipped name; a part that is not in
            it, and both without it, are the shipped int8 ones.
        age: an age model's file or shipped name, instead of any in `folder`.
        detector: a folder with the detector's networks, a shipped name, or the one file of a
            detector that a user brought, instead of `folder`.

    Raises:
        ModelFileError: a file is missing or damaged, a folder holds no model or several age models.
        ContractError: a model without a contract, or with one about another file.
    """
    contracts = {} if folder is None else folder_contracts(find(folder))
    age_path = find_age(age) if age else _age_model(contracts) or find_age(DEFAULT_AGE)
    place = find(detector) if detector else _detector_folder(contracts) or find(DEFAULT_DETECTOR)
    found = {place: model_contract(place)} if place.is_file() else folder_contracts(place)
    scheme = _scheme(_of_task(found, "face-detector") or found)
    return Choice(age_path, place, scheme)


_Contracts = dict[Path, Contract]


def folder_contracts(folder: Path) -> _Contracts:
    """The contracts of all model files of a folder, by path in the order of names.

    Raises:
        ModelFileError: it is no folder, it holds none, or one is damaged.
        ContractError: a file without a contract, or with one about another file.
    """
    if not folder.is_dir():
        raise ModelFileError(f"{folder} is a file, expected the folder with the model files")
    files = sorted(folder.glob("*.tflite"))
    if not files:
        raise ModelFileError(
            f"the folder {folder} holds no .tflite file; give a folder that faceage-convert wrote"
        )
    return {path: model_contract(path) for path in files}


def _of_task(contracts: _Contracts, task: str) -> _Contracts:
    return {path: contract for path, contract in contracts.items() if contract.task == task}


def _scheme(contracts: _Contracts) -> str:
    schemes = {contract.scheme for contract in contracts.values()}
    if len(schemes) == 1:
        return schemes.pop()
    return _PREFERRED_SCHEME


def _age_model(contracts: _Contracts) -> Path | None:
    ages = _of_task(contracts, "age")
    # Of a model of two files the second is asked, and finds the first; a first one alone is taken
    # for what it is when it is loaded.
    ages = {path: own for path, own in ages.items() if not says_where(own)} or ages
    if not ages:
        return None
    scheme = _scheme(ages)
    chosen = [path for path, contract in ages.items() if contract.scheme == scheme]
    if len(chosen) != 1:
        names = ", ".join(path.name for path in chosen or ages)
        raise ModelFileError(
            f"{next(iter(ages)).parent} holds several age models ({names}); "
            "name the one to use with --age FILE"
        )
    return chosen[0]


def _detector_folder(contracts: _Contracts) -> Path | None:
    stages = _of_task(contracts, "face-detector")
    return next(iter(stages)).parent if stages else None
