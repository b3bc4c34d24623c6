"""A float model with its contract: what a conversion starts from."""

from dataclasses import dataclass
from pathlib import Path

from faceage_edge.bundles import DEFAULT_AGE, find_age
from faceage_edge.contract import Contract
from faceage_edge.embedded import read_contract
from faceage_edge.model import read_model_bytes

__all__ = ["SHIPPED_AGE", "SHIPPED_DETECTORS", "FloatSource", "shipped_float"]

SHIPPED_AGE = f"{DEFAULT_AGE}/{DEFAULT_AGE}.float32.tflite"
SHIPPED_DETECTORS = {
    name: tuple(f"{name}/{name}-{network}.float32.tflite" for network in networks)
    for name, networks in (
        ("face-finder", ("finder", "aligner")),
        ("mtcnn", ("pnet", "rnet", "onet")),
    )
}


@dataclass(frozen=True)
class FloatSource:
    """A float .tflite, its contract, and what of that contract was assumed rather than known.

    `path` is the user's file, which may be of another format.
    """

    data: bytes
    contract: Contract
    path: Path
    assumed: tuple[str, ...] = ()


def shipped_float(name: str) -> FloatSource:
    """Load a shipped float model.

    Args:
        name: of an age model, `SHIPPED_AGE`, or one of the files in `SHIPPED_DETECTORS`.

    Raises:
        ModelFileError: it is missing or damaged.
        ContractError: it carries no contract, or one about another file.
    """
    path = find_age(name, "float32")
    data = read_model_bytes(path)
    return FloatSource(data, read_contract(data, str(path)), path)
