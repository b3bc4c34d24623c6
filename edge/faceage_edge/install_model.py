"""Exchange a model on a device that runs: `faceage-camera --install-model FILE --models FOLDER`.

The new file is checked and computes its golden outputs before anything is touched; then it takes
the old one's place in one step, and what lies there is tested once more, in a process of its own,
since a model may bring down the runtime. Fails that, the old one is put back. A camera that runs
keeps its model until it is started again.
"""

import os
import subprocess
import sys
from pathlib import Path

from faceage_edge.atomic import write_bytes
from faceage_edge.contract import Contract
from faceage_edge.embedded import read_contract
from faceage_edge.errors import ModelFileError
from faceage_edge.loading import folder_contracts
from faceage_edge.model import read_model_bytes
from faceage_edge.threshold import table_path

__all__ = ["install_model", "self_test"]

# A second or two on a board; beyond this it hangs.
_PATIENCE_S = 120


def install_model(file: Path, folder: Path) -> list[str]:
    """Put a model in the place of the folder's one of its kind.

    Args:
        file: a .tflite with its contract inside; its `.threshold.json` beside it comes along.
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
    self_test(file)
    target = _target(file, contract, folder)
    before = target.read_bytes() if target.is_file() else None
    folder.mkdir(parents=True, exist_ok=True)
    if before is not None:
        write_bytes(_previous(target), before)
    write_bytes(target, data)
    try:
        self_test(target)
    except ModelFileError as error:
        _roll_back(target, before)
        raise ModelFileError(f"{error}; what was there before is in place again") from error
    table = _bring_table(file, target, contract)
    lines = [f"{contract.name} ({contract.scheme}, {contract.model_digest[:12]}) is {target}"]
    if before is not None and before != data:
        lines.append(f"the one before is {_previous(target)}; install that to go back")
    return [*lines, *table, "cameras that run take it when they are started again"]


def self_test(*paths: Path) -> None:
    """Compute the golden outputs of models in a process of its own.

    Args:
        paths: of the models, one at least.

    Raises:
        ModelFileError: the outputs are wrong, or the process died or hung.
    """
    # This package may be found through sys.path alone.
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry)}
    command = [sys.executable, "-c", _TEST, *map(str, paths)]
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
    words = done.stdout.strip().splitlines()
    ended = f"the self-test ended with code {done.returncode}"
    raise ModelFileError(words[-1] if words else f"{names}: {ended}; the runtime cannot run it")


_TEST = """\
import sys
from faceage_edge.errors import FaceageError
from faceage_edge.golden import check_golden
from faceage_edge.runtime import runtime_name
from faceage_edge.model import load_model
# tflite-runtime has no XNNPACK for int8: its outputs are those of the built-in kernels.
kernels = "xnnpack" if runtime_name().startswith("ai-edge-litert") else "builtin"
try:
    for path in sys.argv[1:]:
        check_golden(load_model(path), kernels)
except FaceageError as error:
    print(error)
    sys.exit(1)
"""


def _target(file: Path, contract: Contract, folder: Path) -> Path:
    """The place of the model that the new one replaces: of its task, scheme and stage."""
    if not folder.exists() or not any(folder.glob("*.tflite")):
        return folder / file.name
    alike = [
        path for path, other in folder_contracts(folder).items() if _kind(other) == _kind(contract)
    ]
    if len(alike) > 1:
        names = ", ".join(path.name for path in alike)
        raise ModelFileError(
            f"{folder} holds several models that this one could replace ({names}); leave one"
        )
    return alike[0] if alike else folder / file.name


def _kind(contract: Contract) -> tuple[str, str, str]:
    stage = "" if contract.detector is None else contract.detector.stage
    return contract.task, contract.scheme, stage


def _previous(target: Path) -> Path:
    # Not .tflite: the folder's models are its .tflite files.
    return target.with_name(target.name + ".previous")


def _roll_back(target: Path, before: bytes | None) -> None:
    if before is None:
        target.unlink(missing_ok=True)
    else:
        write_bytes(target, before)


def _bring_table(file: Path, target: Path, contract: Contract) -> list[str]:
    """Put the contract's and thresholds' files beside the new model, and away the old one's."""
    target.with_suffix(".json").unlink(missing_ok=True)
    source, place = table_path(file), table_path(target)
    if source == place:
        return []
    if place.is_file() and source != table_path(_previous(target)):
        # Where it is looked for when the one before is installed again.
        write_bytes(table_path(_previous(target)), place.read_bytes())
    if source.is_file():
        write_bytes(place, source.read_bytes())
        return [f"its table of thresholds is {place}"]
    if place.is_file():
        place.unlink()
        return [f"{contract.name} came without {source.name}: --threshold needs one fitted"]
    return []
