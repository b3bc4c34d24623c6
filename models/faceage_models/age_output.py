"""Which output of a float model is the age, what its numbers mean, and how to get at its logits."""

from dataclasses import dataclass

import numpy as np

from faceage_edge.contract import Contract
from faceage_edge.errors import ModelFileError, UsageError
from faceage_edge.flatbuffer import ModelFile, TensorInfo, read_model_file
from faceage_edge.operators import operator_names
from faceage_models.tflite_edit import drop_final_activations

__all__ = ["HEADS", "AgeOutput", "find_age_output", "output_size", "to_logits"]

# Heads that a word says all about; age groups also have bounds, which only a contract can state.
HEADS = ("coral", "distribution", "regression")

# The published widths: one number of years; K-1 rank logits of CORAL for ages 0-100; one class for
# each age 0-100 (DEX). And the activation behind which each of the two is trained.
_HEAD_OF_SIZE = {1: "regression", 100: "coral", 101: "distribution"}
_HEAD_OF_ACTIVATION = {"LOGISTIC": "coral", "SOFTMAX": "distribution"}


# Heads that are not decoded from logits.
_AS_THEY_ARE = ("regression", "region")


@dataclass(frozen=True)
class AgeOutput:
    """An output tensor, the head it is read as, and what of this was assumed, in words."""

    tensor: TensorInfo
    head: str
    assumed: tuple[str, ...]


def find_age_output(
    model: ModelFile, where: str, *, name: str | None = None, head: str | None = None
) -> AgeOutput:
    """Decide which output is the age and what kind of head it is.

    Args:
        model: a float model.
        where: its name, for messages.
        name: the output's name, where the user has said it.
        head: one of `HEADS`, where the user has said it.

    Raises:
        UsageError: it cannot be told, or what was said does not fit the model.
    """
    tensor = _likely(model, where, head) if name is None else _named(model, where, name)
    assumed = []
    if name is None and len(model.outputs) > 1:
        assumed.append(f"the age is {tensor.name!r}, of the outputs {_listed(model)} (--output)")
    activation = _final_activation(model, tensor.name)
    if head is None:
        head = _guessed_head(tensor, activation, where)
        ending = f" behind a {activation}" if activation else ""
        assumed.append(
            f"head {head}, by the output's size of {output_size(tensor)}{ending} (--head)"
        )
    _check_head(tensor, head, activation, where)
    return AgeOutput(tensor, head, tuple(assumed))


def output_size(tensor: TensorInfo) -> int:
    """How many values an output has for one picture."""
    return int(np.prod(tensor.shape[1:]))


def to_logits(data: bytes, contract: Contract, where: str) -> tuple[bytes, tuple[str, ...]]:
    """Take the last activation off outputs that are decoded from logits.

    Probabilities in int8 lose up to half a year (DESIGN: head); the device squashes in float.

    Args:
        data: the float model.
        contract: says which head each output is.
        where: the model's name, for messages.

    Returns:
        The model, unchanged where nothing was taken off, and what was, in words.

    Raises:
        ModelFileError: an activation cannot be taken off.
    """
    model = read_model_file(data, where)
    squashed = {}
    for output in contract.outputs:
        activation = _final_activation(model, output.name)
        if activation and output.head not in _AS_THEY_ARE:
            squashed[output.name] = activation
    if not squashed:
        return data, ()
    keep = [output.name for output in contract.outputs if output.head in _AS_THEY_ARE]
    edited, dropped = drop_final_activations(data, keep)
    if squashed.keys() != {output.name for output in contract.outputs} & set(dropped):
        raise ModelFileError(
            f"{where} ends in {', '.join(squashed.values())} that cannot be taken off, and "
            "probabilities in int8 lose up to half a year; give a model that returns logits"
        )
    return edited, tuple(
        f"the final {activation} of {name!r} was taken off: int8 keeps logits better than "
        "probabilities, and the device squashes them in float"
        for name, activation in squashed.items()
    )


def _named(model: ModelFile, where: str, name: str) -> TensorInfo:
    for tensor in model.outputs:
        if tensor.name == name:
            return tensor
    raise UsageError(f"{where} has no output {name!r}; it has {_listed(model)}")


def _likely(model: ModelFile, where: str, head: str | None) -> TensorInfo:
    """The only output, or the only one whose size is that of an age head."""
    if len(model.outputs) == 1:
        return model.outputs[0]
    sizes = [size for size, known in _HEAD_OF_SIZE.items() if head in (None, known)]
    fitting = [tensor for tensor in model.outputs if output_size(tensor) in sizes]
    if len(fitting) != 1:
        raise UsageError(
            f"{where} has the outputs {_listed(model)}, of which {len(fitting)} have the size of "
            "an age head; say which is the age with --output NAME"
        )
    return fitting[0]


def _guessed_head(tensor: TensorInfo, activation: str | None, where: str) -> str:
    size = output_size(tensor)
    if size not in _HEAD_OF_SIZE:
        raise UsageError(
            f"the output {tensor.name!r} of {where} has {size} values, which fits no known age "
            f"head; say which it is with --head {'|'.join(HEADS)}, or state age groups and their "
            "bounds with --contract FILE"
        )
    if size > 1 and activation:
        return _HEAD_OF_ACTIVATION[activation]
    return _HEAD_OF_SIZE[size]


def _check_head(tensor: TensorInfo, head: str, activation: str | None, where: str) -> None:
    size = output_size(tensor)
    if (head == "regression") != (size == 1):
        raise UsageError(
            f"--head {head} does not fit the output {tensor.name!r} of {where}, which has {size} "
            "values; regression has one, the others have one for each rank or age"
        )
    if head == "regression" and activation:
        raise UsageError(
            f"{where} gives one number behind a {activation}, a share of some age; say of which "
            'with --contract FILE: {"outputs": [{"head": "regression", "years_scale": YEARS}]}'
        )
    if activation and _HEAD_OF_ACTIVATION[activation] != head:
        raise UsageError(
            f"--head {head} does not fit {where}, which ends in {activation}; "
            f"that belongs to {_HEAD_OF_ACTIVATION[activation]}"
        )


def _final_activation(model: ModelFile, name: str) -> str | None:
    """The activation that makes an output, if one does."""
    for operator, kind in zip(model.operators, operator_names(model), strict=True):
        if kind in _HEAD_OF_ACTIVATION and name in {
            model.tensors[i].name for i in operator.outputs
        }:
            return kind
    return None


def _listed(model: ModelFile) -> str:
    return ", ".join(f"{tensor.name!r} of size {output_size(tensor)}" for tensor in model.outputs)
