"""A float model's contract before it is converted: carried by the file, stated, or assumed."""

from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np

from faceage_edge.contract import Contract, Crop, Input, Output
from faceage_edge.embedded import METADATA_NAME, read_contract
from faceage_edge.errors import ContractError, UsageError
from faceage_edge.flatbuffer import ModelFile, TensorInfo, read_model_file
from faceage_edge.geometry import CropTemplate
from faceage_models.age_inputs import input_named
from faceage_models.age_output import AgeOutput, find_age_output, output_size, to_logits
from faceage_models.float_source import SHIPPED_AGE, FloatSource, shipped_float
from faceage_models.naming import check_name, name_of
from faceage_models.stated import read_stated

__all__ = ["Hints", "describe_float"]

_SHIPPED_CROP = "faces aligned to the landmark template of the shipped model (--contract)"


@dataclass(frozen=True)
class Hints:
    """What the user says about a model that carries no contract; None means not said.

    The fields are named as the command's options.
    """

    contract: Path | None = None
    head: str | None = None
    output: str | None = None
    normalise: str | None = None
    colour: str | None = None

    def said(self) -> list[str]:
        """The options that were given, in words."""
        return [f"--{field.name}" for field in fields(self) if getattr(self, field.name)]


def describe_float(
    data: bytes, path: Path, hints: Hints, *, name: str | None = None, rescaling: bool = False
) -> FloatSource:
    """Find or make the contract of a float model.

    The file's own contract comes first, then `hints.contract`, then the assumption that the model
    is of the family whose output it has, with every assumption listed.

    Args:
        data: a float .tflite file of one picture input, as `float_tflite` gives it.
        path: where the model came from.
        hints: what the user said.
        name: the model's name; by default its contract's, else its file's.
        rescaling: the model scales its own input, so that it expects bytes.

    Returns:
        The model with its contract. The contract is embedded in it already where the file carried
        one and no other name is wanted; then it has a `model_digest`.

    Raises:
        ModelFileError: the model does not fit its contract, or returns no logits.
        UsageError: the outputs fit no family and no head was said, what was said contradicts the
            file, or the name is none.
    """
    model = read_model_file(data, str(path))
    if METADATA_NAME in model.metadata:
        source = _carried(data, path, hints)
    elif hints.contract is not None:
        source = _stated(data, model, path, hints)
    else:
        source = _assumed(data, model, path, hints, rescaling)
    return _named(source, name)


def _carried(data: bytes, path: Path, hints: Hints) -> FloatSource:
    if hints.said():
        raise UsageError(
            f"{path} carries its own contract, which {' and '.join(hints.said())} would "
            "contradict; leave that out, or give the model as it was before"
        )
    contract = read_contract(data, str(path))
    if contract.task != "age":
        raise ContractError(
            f"{path} is a {contract.task} model, expected an age model; the detector is converted "
            "with every age model"
        )
    return FloatSource(data, contract, path)


def _stated(data: bytes, model: ModelFile, path: Path, hints: Hints) -> FloatSource:
    assert hints.contract is not None
    if hints.said() != ["--contract"]:
        raise UsageError(
            f"{' and '.join(hints.said())}: a contract states all of it; leave the others out"
        )
    crop = _family_crop(model.inputs[0])
    known = Contract("age", name_of(path), "not stated", _input(model, "signed", "RGB"), crop, ())
    defaults = {key: known.to_json()[key] for key in ("name", "licence", "crop")}
    contract, left_out = read_stated(hints.contract, model, defaults)
    logits, taken_off = to_logits(data, contract, str(path))
    assumed = (_SHIPPED_CROP, *taken_off) if "crop" in left_out else taken_off
    return FloatSource(logits, contract, path, assumed)


def _assumed(
    data: bytes, model: ModelFile, path: Path, hints: Hints, rescaling: bool
) -> FloatSource:
    age = find_age_output(model, str(path), name=hints.output, head=hints.head)
    # A model that scales its own input expects bytes; otherwise the MobileNet family's way.
    normalise = hints.normalise or ("bytes" if rescaling else "signed")
    guesses = [
        *age.assumed,
        *([] if hints.normalise else [f"input normalisation {normalise} (--normalise)"]),
        *([] if hints.colour else [f"colour order {input_named(normalise).colour} (--colour)"]),
        _SHIPPED_CROP,
    ]
    contract = Contract(
        task="age",
        name=name_of(path),
        licence="not stated",
        input=_input(model, normalise, hints.colour),
        crop=_family_crop(model.inputs[0]),
        outputs=(_output(age),),
        provenance={"scheme": "float32"},
    )
    logits, taken_off = to_logits(data, contract, str(path))
    return FloatSource(logits, contract, path, (*guesses, *taken_off))


def _named(source: FloatSource, name: str | None) -> FloatSource:
    """The source under its checked name; a carried contract is then to be embedded anew."""
    name = check_name(name or source.contract.name)
    if name == source.contract.name:
        return source
    provenance = {k: v for k, v in source.contract.provenance.items() if k != "model_digest"}
    return replace(source, contract=replace(source.contract, name=name, provenance=provenance))


def _input(model: ModelFile, normalise: str, colour: str | None) -> Input:
    picture = model.inputs[0]
    batch, height, width = picture.shape[:3]
    taken = input_named(normalise)
    return Input(
        name=picture.name,
        batch=batch,
        height=height,
        width=width,
        colour=colour or taken.colour,
        dtype="float32",
        scale=1.0,
        zero_point=0,
        # The table states the channels in its own order.
        normalisation=taken.in_order(colour or taken.colour),
    )


def _output(age: AgeOutput) -> Output:
    return Output(
        name=age.tensor.name,
        head=age.head,
        dtype="float32",
        scale=1.0,
        zero_point=0,
        size=output_size(age.tensor),
    )


def _family_crop(picture: TensorInfo) -> Crop:
    """The crop of the shipped model in another size: as large as fits, in the middle."""
    template = shipped_float(SHIPPED_AGE).contract.crop.template
    assert template is not None
    height, width = picture.shape[1:3]
    scale = min(width / template.width, height / template.height)
    margin = np.array([width - template.width * scale, height - template.height * scale]) / 2
    # Pixel centres lie at integers, so pictures scale around -0.5.
    points = ((template.points + 0.5) * scale - 0.5 + margin).round(3)
    return Crop("template", template=CropTemplate(width, height, points))
