"""Which pictures a model's ranges and its interval were made from, as its contract records it."""

from typing import Any

from faceage_edge.contract import Contract
from faceage_edge.errors import ContractError

__all__ = ["interval_pictures", "range_pictures"]

# Of each picture's SHA-256 a contract keeps these first digits, run together.
_DIGITS = 10


def range_pictures(contract: Contract) -> tuple[str, ...]:
    """Return the first digits of SHA-256 of the pictures that a model's ranges were recorded on.

    On these nothing can be measured. None where none are recorded.

    Raises:
        ContractError: the record is not the text of such digests.
    """
    calibration = contract.provenance.get("calibration")
    record = calibration.get("pictures", "") if isinstance(calibration, dict) else ""
    return _digests(record, contract.name)


def interval_pictures(contract: Contract) -> tuple[str, ...]:
    """Return the same of the pictures that its interval was fitted on and its ranges were not.

    On these the error can be measured, which the interval does not change, but not how often the
    interval holds.

    Raises:
        ContractError: the record is not the text of such digests.
    """
    return _digests(contract.provenance.get("interval_pictures", ""), contract.name)


def _digests(record: Any, name: str) -> tuple[str, ...]:
    if not isinstance(record, str) or len(record) % _DIGITS:
        raise ContractError(
            f"the contract of {name} records its calibration pictures in a form that is not "
            "known, so an overlap with the faces cannot be ruled out; convert it again"
        )
    return tuple(record[start : start + _DIGITS] for start in range(0, len(record), _DIGITS))
