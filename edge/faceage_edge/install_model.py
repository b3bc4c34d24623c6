"""Exchange a model on a device that runs: `faceage-camera --install-model FILE --models FOLDER`.

The new file is checked and computes its golden outputs before anything is touched; then it takes
the old one's place in one step, and what lies there is tested once more, in a process of its own,
since a model may bring down the runtime. Fails that, the old one is put back. A camera that runs
keeps its model until it is started again. Of an age model of two files the second is named, and
brings the first along.
"""

import os
import subprocess
import sys
from pathlib import Path

from faceage_edge.atomic import write_bytes
from faceage_edge.contract import Contract
from faceage_edge.embedded import read_contract
from faceage_edge.errors import ModelFileError
from faceage_edge.install_first import PREVIOUS, first_of, put_first, retire_first
from faceage_edge.loading import folder_contracts
from faceage_edge.model import model_contract, read_model_bytes
from faceage_edge.own_interval import interval_path
from faceage_edge.threshold import table_path
from faceage_edge.two_branches import says_where

__all__ = ["install_model", "self_test"]

# A second or two on a board; beyond this it hangs.
_PATIENCE_S = 120


def install_model(file: Path, folder: Path) -> list[str]:
    """Put a model in the place of the folder's one of its kind.

    Args:
        file: a .tflite with its contract inside; its `.threshold.json` and `.interval.json`
            beside it come along, and of a model of two files, whose second it is, the first.
        folder: what `--models` names; made if it is not there.

    Returns:
        What was done, in lines.

    Raises:
        ModelFileError: no model, one that this machine computes wrongly, or more than one that it
            could replace; the folder is as it was.
        OutputError: the folder cannot be written.
    """
    data = read_model_bytes(file)
    contract = read_contract(data, str(file))
    first = first_of(file, contract)
    _test(first, file)
    target = _target(file, contract, folder)
    before = target.read_bytes() if target.is_file() else None
    replaced = None if before is None else model_contract(target)
    folder.mkdir(parents=True, exist_ok=True)
    # Before the switch: nobody looks for it until the second file is in its place.
    place, added = (None, False) if first is None else put_first(first, folder)
    if before is not None and before != data:
        # Not twice the same: the one before would be gone.
        write_bytes(_previous(target), before)
    write_bytes(target, data)
    try:
        _test(place, target)
    except ModelFileError as error:
        _roll_back(target, before)
        if place is not None and added:
            place.unlink()
        raise ModelFileError(f"{error}; what was there before is in place again") from error
    fitted = _bring_fitted(file, target, contract)
    lines = [f"{contract.name} ({contract.scheme}, {contract.model_digest[:12]}) is {target}"]
    if place is not None:
        lines.append(f"it looks closer where {place} says")
    if before is not None and before != data:
        lines.append(f"the one before is {_previous(target)}; install that to go back")
    lines += retire_first(replaced, contract, folder)
    return [*lines, *fitted, "cameras that run take it when they are started again"]


def _test(first: Path | None, file: Path) -> None:
    if first is None:
        self_test(file)
    else:
        self_test(first, file, together=True)


def self_test(*paths: Path, together: bool = False) -> None:
    """Compute the golden outputs of models in a process of its own.

    Args:
        paths: of the models, one at least.
        together: they are the two files of one model, the first of them first.

    Raises:
        ModelFileError: the outputs are wrong, or the process died or hung.
    """
    # This package may be found through sys.path alone.
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry)}
    words = ["together" if together else "apart", *map(str, paths)]
    command = [sys.executable, "-c", _TEST, *words]
    names = ", ".join(path.name for path in paths)
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=_PATIENCE_S,
            check=False,
            env=environment,
        )
    except subprocess.TimeoutExpired as error:
        raise ModelFileError(f"{names}: the self-test took over {_PATIENCE_S} seconds") from error
    if done.returncode == 0:
        return
    said = done.stdout.strip().splitlines()
    ended = f"the self-test ended with code {done.returncode}"
    raise ModelFileError(said[-1] if said else f"{names}: {ended}; the runtime cannot run it")


_TEST = """\
import sys
from faceage_edge.errors import FaceageError
from faceage_edge.golden import check_golden
from faceage_edge.runtime import runtime_name
from faceage_edge.model import load_model
from faceage_edge.two_branches import TwoBranches
# tflite-runtime has no XNNPACK for int8: its outputs are those of the built-in kernels.
kernels = "xnnpack" if runtime_name().startswith("ai-edge-litert") else "builtin"
try:
    models = [load_model(path) for path in sys.argv[2:]]
    for model in models:
        check_golden(model, kernels)
    if sys.argv[1] == "together":
        TwoBranches(*models)
except FaceageError as error:
    print(error)
    sys.exit(1)
"""


def _target(file: Path, contract: Contract, folder: Path) -> Path:
    """The place of the model that the new one replaces: of its task, scheme and stage."""
    alone = folder / file.name.removesuffix(PREVIOUS)
    if not folder.exists() or not any(folder.glob("*.tflite")):
        return alone
    alike = [
        path
        for path, other in folder_contracts(folder).items()
        # The first file of a model of two goes with its second.
        if _kind(other) == _kind(contract) and not says_where(other)
    ]
    if len(alike) > 1:
        names = ", ".join(path.name for path in alike)
        raise ModelFileError(
            f"{folder} holds several models that this one could replace ({names}); leave one"
        )
    return alike[0] if alike else alone


def _kind(contract: Contract) -> tuple[str, str, str]:
    stage = "" if contract.detector is None else contract.detector.stage
    return contract.task, contract.scheme, stage


def _previous(target: Path) -> Path:
    return target.with_name(target.name + PREVIOUS)


def _roll_back(target: Path, before: bytes | None) -> None:
    if before is None:
        target.unlink(missing_ok=True)
    else:
        write_bytes(target, before)


def _bring_fitted(file: Path, target: Path, contract: Contract) -> list[str]:
    """Put what was fitted to the new model beside it, and away what was fitted to the old one."""
    target.with_suffix(".json").unlink(missing_ok=True)
    lines = []
    for beside, what, lacking in (
        (table_path, "table of thresholds", "--threshold needs one fitted"),
        (interval_path, "own interval", "the one in its contract holds"),
    ):
        source, place = beside(file), beside(target)
        if source == place:
            continue
        if place.is_file() and source != beside(_previous(target)):
            # Where it is looked for when the one before is installed again.
            write_bytes(beside(_previous(target)), place.read_bytes())
        if source.is_file():
            write_bytes(place, source.read_bytes())
            lines.append(f"its {what} is {place}")
        elif place.is_file():
            place.unlink()
            lines.append(f"{contract.name} came without {source.name}: {lacking}")
    return lines
