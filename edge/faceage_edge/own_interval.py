"""An interval fitted on a user's own faces, in a file beside the model: <model>.interval.json.

The one in a model's contract holds for faces like those that whoever converted it had. One that
`faceage-calibrate interval` fitted on faces of this camera takes its place, without the model
becoming another file.
"""

from dataclasses import replace
from pathlib import Path

from faceage_edge.contract import Contract
from faceage_edge.errors import ContractError
from faceage_edge.interval import Interval, parse_interval
from faceage_edge.json_fields import Fields
from faceage_edge.model import read_json_beside

__all__ = ["interval_path", "with_own_interval"]


def interval_path(model: Path) -> Path:
    """Where a model's own interval lies."""
    return model.with_suffix(".interval.json")


def with_own_interval(contract: Contract, model: Path) -> Contract:
    """Return a contract with the interval beside its model, or as it is where none is there.

    Args:
        contract: of an age model.
        model: its file.

    Raises:
        ContractError: the file is damaged, or belongs to another model.
        ModelFileError: it cannot be read.
    """
    beside = interval_path(model)
    if not beside.is_file():
        return contract
    remedy = (
        f"fit it with: faceage-calibrate interval --model {model} --faces FACES --crops detect; or "
        f"remove it, and the interval of {model.name} itself holds"
    )
    document = read_json_beside(beside, remedy)
    try:
        fitted, seen = _parsed(Fields(document, str(beside)), contract.model_digest)
    except ContractError as error:
        raise ContractError(f"{error}; {remedy}") from error
    provenance = {**contract.provenance, "interval_pictures": seen}
    return replace(contract, interval=fitted, provenance=provenance)


def _parsed(top: Fields, digest: str) -> tuple[Interval, str]:
    """The interval of the model with this digest, and the pictures it was fitted on, by the first
    digits of their SHA-256, run together."""
    if top.text("model_digest") != digest:
        raise ContractError(f"{top.where} belongs to another model")
    pictures = top.object("calibration").texts("pictures")
    return parse_interval(top.object("interval")), "".join(pictures)
