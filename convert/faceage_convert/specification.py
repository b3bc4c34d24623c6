"""What is known of a float model before it is converted: its contract, given or assumed."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from faceage_edge.bundles import find
from faceage_edge.contract import AGE_HEADS, Contract, Crop, Input, Normalisation, Output
from faceage_edge.embedded import METADATA_NAME, parse_contract, read_contract
from faceage_edge.errors import ModelFileError, UsageError
from faceage_edge.flatbuffer import ModelFile, TensorInfo, read_model_file
from faceage_edge.geometry import CropTemplate
from faceage_edge.model import read_model_bytes
from faceage_edge.operators import operator_names

__all__ = ["NORMALISATIONS", "FloatSource", "Hints", "describe_float", "shipped_float"]

SHIPPED_AGE = "age-mobilenet/age-mobilenet.float32.tflite"

# How published age models scale a byte: (mean, std) of (byte - mean) / std, any channel.
NORMALISATIONS = {
    "signed-128": (128.0, 128.0),
    "signed": (127.5, 127.5),
    "unit": (0.0, 255.0),
    "bytes": (0.0, 1.0),
}


@dataclass(frozen=True)
class Hints:
    """What the user says about a model that carries no contract; None means not said."""

    head: str | None = None
    normalisation: str | None = None
    colour: str | None = None
    contract: Path | None = None
    rescaling: bool = False


@dataclass(frozen=True)
class FloatSource:
    """A float .tflite, its contract, and what of that contract was assumed rather than known."""

    data: bytes
    contract: Contract
    path: Path
    assumed: tuple[str, ...] = ()


def shipped_float(name: str) -> FloatSource:
    """Load a shipped float model by file name; errors as for `load_model`."""
    path = find(name)
    data = read_model_bytes(path)
    return FloatSource(data, read_contract(data, str(path)), path)


def describe_float(data: bytes, path: Path, hints: Hints) -> FloatSource:
    """Find or make the contract of a float model.

    The file's own contract comes first, then `hints.contract`, then the assumption that the model
    is of the family whose output it has, with every assumption listed.

    Args:
        data: a float .tflite file.
        path: where the model came from; names it.
        hints: what the user said.

    Raises:
        ModelFileError: not one float picture in and known outputs out.
        UsageError: the outputs fit no family and no head was named.
    """
    model = read_model_file(data, str(path))
    if METADATA_NAME in model.metadata:
        return FloatSource(data, read_contract(data, str(path)), path)
    _check_float_input(model, path)
    if hints.contract is not None:
        contract = parse_contract(_read_text(hints.contract), str(hints.contract))
        return FloatSource(data, _renamed(contract, model), path)
    return _assumed(data, model, path, hints)


def _read_text(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read the contract {path}: {error.strerror}") from error


def _check_float_input(model: ModelFile, path: Path) -> None:
    shown = ", ".join(f"{t.name!r} {t.shape} {t.dtype}" for t in model.inputs)
    if len(model.inputs) != 1:
        raise ModelFileError(f"{path} has {len(model.inputs)} inputs ({shown}), expected one picture")
    shape, dtype = model.inputs[0].shape, model.inputs[0].dtype
    if dtype != "float32":
        raise ModelFileError(
            f"{path} takes {dtype}, expected a float32 model: give the model before quantization"
        )
    if len(shape) != 4 or shape[3] != 3 or min(shape) < 1:
        raise ModelFileError(
            f"{path} takes {shown}, expected one picture (1, height, width, 3) with fixed sizes"
        )


def _renamed(contract: Contract, model: ModelFile) -> Contract:
    """A contract given beside the model describes it by role; its input may be named otherwise."""
    return replace(contract, input=replace(contract.input, name=model.inputs[0].name))


def _assumed(data: bytes, model: ModelFile, path: Path, hints: Hints) -> FloatSource:
    picture, answer = model.inputs[0], model.outputs[0]
    size = int(np.prod(answer.shape[1:]))
    assumed: list[str] = []
    head = _head(hints, size, path, assumed)
    normalisation = _normalisation(hints, assumed)
    colour = hints.colour or "RGB"
    if hints.colour is None:
        assumed.append("colour order RGB (--colour)")
    family = shipped_float(SHIPPED_AGE).contract
    template = family.crop.template
    assert template is not None
    assumed.append("faces aligned to the landmark template of the shipped model")
    if _ends_squashed(model):
        raise ModelFileError(
            f"{path} ends in {operator_names(model)[-1]}; its logits are needed, since int8 "
            "probabilities lose up to half a year: cut the last activation off"
        )
    contract = Contract(
        task="age",
        name=path.stem.split(".")[0],
        licence="not stated",
        input=Input(
            name=picture.name, batch=picture.shape[0], height=picture.shape[1],
            width=picture.shape[2], colour=colour, dtype="float32", scale=1.0, zero_point=0,
            normalisation=normalisation,
        ),
        crop=Crop("template", template=_scaled(template, picture)),
        outputs=(_output(answer, head, size),),
        provenance={"scheme": "float32"},
    )  # fmt: skip
    return FloatSource(data, contract, path, tuple(assumed))


def _head(hints: Hints, size: int, path: Path, assumed: list[str]) -> str:
    if hints.head is not None:
        return hints.head
    # The published widths: one number of years; K-1 rank logits of CORAL for ages 0-100; one
    # class for each age 0-100 (DEX).
    known = {1: "regression", 100: "coral", 101: "distribution"}
    if size not in known:
        raise UsageError(
            f"{path} has {size} outputs and no contract, which fits no known head; say which with "
            f"--head {'|'.join(AGE_HEADS)} or give its contract with --contract FILE.json"
        )
    assumed.append(f"head {known[size]}, since the output has {size} values (--head)")
    return known[size]


def _normalisation(hints: Hints, assumed: list[str]) -> Normalisation:
    name = hints.normalisation
    if name is None:
        # A model that scales its own input expects bytes; otherwise the MobileNet family's way.
        name = "bytes" if hints.rescaling else "signed"
        assumed.append(f"input normalisation '{name}' (--normalise)")
    mean, std = NORMALISATIONS[name]
    return Normalisation("affine", mean=(mean,) * 3, std=(std,) * 3)


def _scaled(template: CropTemplate, picture: TensorInfo) -> CropTemplate:
    height, width = picture.shape[1:3]
    factor = np.array([width / template.width, height / template.height])
    return CropTemplate(width, height, (template.points + 0.5) * factor - 0.5)


def _output(answer: TensorInfo, head: str, size: int) -> Output:
    return Output(
        name=answer.name, head=head, dtype="float32", scale=1.0, zero_point=0, size=size
    )


def _ends_squashed(model: ModelFile) -> bool:
    return operator_names(model)[-1] in {"LOGISTIC", "SOFTMAX"}
