"""The first file of an age model of two, when the second is installed (`install_model`).

The second names the first by its digest, so the switch is the second's alone: the new first file
is put beside the old one before, and the old one goes out of the folder's models afterwards.
"""

from pathlib import Path

from faceage_edge.atomic import write_bytes
from faceage_edge.contract import Contract
from faceage_edge.errors import ModelFileError
from faceage_edge.model import model_contract, read_model_bytes
from faceage_edge.two_branches import readable_contracts, says_where, whole_beside

__all__ = ["PREVIOUS", "first_of", "put_first", "retire_first"]

# Not .tflite: a folder's models are its .tflite files.
PREVIOUS = ".previous"
_DIGITS = 8


def first_of(file: Path, contract: Contract) -> Path | None:
    """Find the first file that comes with a model to be installed.

    Args:
        file: the model; of a model of two files the second.
        contract: of that file.

    Returns:
        Its path, that of an earlier one that was kept included; None of a model of one file.

    Raises:
        ModelFileError: `file` is itself the first of two, or its first is not beside it.
    """
    if says_where(contract):
        raise ModelFileError(
            f"{file} is the first file of an age model of two; install the second, which looks "
            "closer where this one says, and brings this one along"
        )
    if contract.crop.kind != "region":
        return None
    return whole_beside(file, contract, ends=("", PREVIOUS))


def put_first(first: Path, folder: Path) -> tuple[Path, bool]:
    """Put a first file into a folder, in nobody's place.

    Args:
        first: the file.
        folder: where it goes; it exists.

    Returns:
        Where it is, and whether it was not there already.

    Raises:
        ModelFileError: the file cannot be read.
        OutputError: the folder cannot be written.
    """
    data = read_model_bytes(first)
    place = folder / first.name.removesuffix(PREVIOUS)
    if place.is_file() and place.read_bytes() != data:
        digest = model_contract(first).model_digest[:_DIGITS]
        place = place.with_name(f"{place.stem}-{digest}{place.suffix}")
    if place.is_file() and place.read_bytes() == data:
        return place, False
    # Its contract is inside; what lies there is about another file.
    place.with_suffix(".json").unlink(missing_ok=True)
    write_bytes(place, data)
    return place, True


def retire_first(before: Contract | None, now: Contract, folder: Path) -> list[str]:
    """Take the first file of the model before out of a folder's models, and keep it.

    Args:
        before: contract of the model that was replaced.
        now: of the one in its place.
        folder: of both.

    Returns:
        What was done, in lines.

    Raises:
        OutputError: the folder cannot be written.
    """
    of = "" if before is None else before.crop.of
    known = dict(readable_contracts(sorted(folder.glob("*.tflite"))))
    if not of or any(one.crop.of == of for one in (now, *known.values())):
        return []
    for path, contract in readable_contracts(sorted(folder.glob(f"*.tflite{PREVIOUS}"))):
        # Of the model before that, which is gone.
        if says_where(contract) and contract.model_digest != of:
            path.unlink()
    lines = []
    for path in (path for path, one in known.items() if one.model_digest == of):
        kept = path.with_name(path.name + PREVIOUS)
        write_bytes(kept, path.read_bytes())
        path.unlink()
        path.with_suffix(".json").unlink(missing_ok=True)
        lines.append(f"its first file is {kept}")
    return lines
