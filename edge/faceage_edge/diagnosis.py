"""What one examination of the doctor found."""

from dataclasses import dataclass

__all__ = ["Diagnosis"]


@dataclass(frozen=True)
class Diagnosis:
    """`state` is `ok`, `warning`, `broken`, or `absent` for what is not there and not needed;
    `fix` says what to do."""

    state: str
    found: str
    fix: str = ""
