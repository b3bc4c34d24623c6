"""Run a converted age model before its golden outputs are recorded."""

from pathlib import Path

from faceage_convert.conversion import Converted
from faceage_convert.embed import embed_contract
from faceage_edge.age import AgeModel
from faceage_edge.model import Model, load_model_bytes
from faceage_edge.two_branches import TwoBranches

__all__ = ["runnable", "runnable_model", "with_first"]


def runnable(converted: Converted, first: Model | None = None) -> AgeModel:
    """Load a converted age model with the contract that it will carry.

    Args:
        converted: the model, or the second file of one.
        first: the first file, where there are two.
    """
    return with_first(runnable_model(converted), first)


def runnable_model(converted: Converted) -> Model:
    """The same, as what it is: one file, which need not say an age by itself."""
    data, _ = embed_contract(converted.data, converted.contract, converted.file_name)
    return load_model_bytes(data, Path(converted.file_name))


def with_first(model: Model, first: Model | None) -> AgeModel:
    """An age model of one file, or of two."""
    return AgeModel(model if first is None else TwoBranches(first, model))
