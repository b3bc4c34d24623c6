"""Run a converted age model before its golden outputs are recorded."""

from pathlib import Path

from faceage_convert.conversion import Converted
from faceage_convert.embed import embed_contract
from faceage_edge.age import AgeModel
from faceage_edge.model import load_model_bytes

__all__ = ["runnable"]


def runnable(converted: Converted) -> AgeModel:
    """Load a converted age model with the contract that it will carry."""
    data, _ = embed_contract(converted.data, converted.contract, converted.file_name)
    return AgeModel(load_model_bytes(data, Path(converted.file_name)))
