"""The contract: what the device must know of a model, carried inside the model file.

`convert` writes it, the device reads it; docs/contract.md explains every field and
contract.schema.json states the form. The classes here mirror the JSON one to one.
"""

import itertools
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from faceage_edge.detector_stage import Stage, parse_stage, stage_document
from faceage_edge.errors import ContractError
from faceage_edge.geometry import CropTemplate
from faceage_edge.interval import Interval, interval_document, parse_interval
from faceage_edge.json_fields import Fields

__all__ = [
    "CONTRACT_FORMAT",
    "Contract",
    "Crop",
    "Input",
    "Interval",
    "Normalisation",
    "Output",
]

CONTRACT_FORMAT = 1

TASKS = ("age", "face-detector")
AGE_HEADS = ("coral", "distribution", "regression", "groups")
FACE_HEADS = (
    "face-logit", "face-score", "box-offsets", "landmarks", "boxes", "box-scores", "box-classes",
    "box-count",
)  # fmt: skip
HEADS = (*AGE_HEADS, "gender", "region", *FACE_HEADS)
DTYPES = ("int8", "uint8", "int16", "float32")
_MOST_CURVE = 200  # points of a years_curve


@dataclass(frozen=True)
class Normalisation:
    """How a picture's bytes (0-255) become the real numbers the network was trained on.

    `affine`: real = (byte - mean) / std per channel, in the contract's colour order.
    `standardise`: mean and std are the crop's own over all channels, std at least 1/sqrt(N)
    for N values; `clip` is the range of real numbers that the quantized input can hold.
    """

    kind: str
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    clip: tuple[float, ...] = ()


@dataclass(frozen=True)
class Input:
    """The model's one input, (batch, height, width, 3).

    quantized = round(real / scale) + zero_point for the integer dtypes.
    """

    name: str
    batch: int
    height: int
    width: int
    colour: str
    dtype: str
    scale: float
    zero_point: int
    normalisation: Normalisation


@dataclass(frozen=True)
class Crop:
    """How a face becomes the input: `template` by five landmarks, `box` by the detector's box
    enlarged by `margin` of its longer side, `frame` for models that look at whole pictures,
    `region` for the second file of an age model of two: the part of the crop that the first, whose
    model digest is `of`, says."""

    kind: str
    template: CropTemplate | None = None
    margin: float = 0.0
    of: str = ""


@dataclass(frozen=True)
class Output:
    """One output and how it decodes; real = (quantized - zero_point) * scale.

    `coral`: logits of P(age > first_age + k), `rank_bias` their trained biases.
    `distribution`: logits over the ages first_age, first_age + 1, ...
    `regression`: years = real * years_scale + years_offset.
    `groups`: logits over age groups, `bounds` their [low, high) in years.
    `region`: left, top, right and bottom of a part of the crop, in shares of its sides.
    `gender`: logits over the `labels`, if it states them; else it is not decoded.

    `years_curve`: pairs (decoded years, stated years), both ascending. What the head decodes is
    read off the straight lines between them, and stays as at their ends outside.
    """

    name: str
    head: str
    dtype: str
    scale: float
    zero_point: int
    size: int
    first_age: int = 0
    rank_bias: tuple[float, ...] = ()
    years_scale: float = 1.0
    years_offset: float = 0.0
    bounds: tuple[tuple[float, float], ...] = ()
    years_curve: tuple[tuple[float, float], ...] = ()
    labels: tuple[str, ...] = ()


@dataclass(frozen=True)
class Contract:
    """All of it. `golden` and `provenance` stay JSON objects; see docs/contract.md."""

    task: str
    name: str
    licence: str
    input: Input
    crop: Crop
    outputs: tuple[Output, ...]
    detector: Stage | None = None
    interval: Interval | None = None
    golden: dict[str, Any] = field(default_factory=dict)
    provenance: dict[str, Any] = field(default_factory=dict)

    @property
    def scheme(self) -> str:
        """The quantization scheme as read back from the file, e.g. `int8`."""
        return str(self.provenance.get("scheme", "unknown"))

    @property
    def model_digest(self) -> str:
        """SHA-256 of the model file with the contract's own bytes zeroed, in hex."""
        return str(self.provenance.get("model_digest", ""))

    def output(self, head: str) -> Output:
        """The output with a given head.

        Raises:
            ContractError: the model has none.
        """
        for output in self.outputs:
            if output.head == head:
                return output
        heads = ", ".join(output.head for output in self.outputs)
        raise ContractError(f"model {self.name} has no {head} output, only: {heads}")

    @staticmethod
    def from_json(document: object, where: str) -> "Contract":
        """Build a contract from parsed JSON.

        Args:
            document: the parsed JSON.
            where: the file it came from, for messages.

        Raises:
            ContractError: naming the first field that is missing or wrong.
        """
        return _parse(Fields(document, where))

    def to_json(self) -> dict[str, Any]:
        """The contract as JSON values, fields in reading order; `from_json` undoes it."""
        return _document(self)


def _parse(top: Fields) -> Contract:
    found = top.integer("format")
    if found != CONTRACT_FORMAT:
        raise ContractError(
            f"{top.where}: contract format {found}, this version reads {CONTRACT_FORMAT}; "
            "update faceage on this device or convert the model with a matching version"
        )
    task = top.choice("task", TASKS)
    outputs = tuple(_output(item) for item in top.objects("outputs"))
    detector = top.optional("detector")
    interval = top.optional("interval")
    if task == "age" and not any(output.head in AGE_HEADS for output in outputs):
        raise ContractError(f"{top.where}: an age model without an age output")
    if task == "face-detector" and detector is None:
        raise ContractError(f"{top.where}: a face detector whose contract lacks 'detector'")
    return Contract(
        task=task,
        name=top.text("name"),
        licence=top.text("licence"),
        input=_input(top.object("input")),
        crop=_crop(top.object("crop")),
        outputs=outputs,
        detector=None if detector is None else parse_stage(detector),
        interval=None if interval is None else parse_interval(interval),
        golden=top.raw_object("golden"),
        provenance=top.raw_object("provenance"),
    )


def _input(part: Fields) -> Input:
    return Input(
        name=part.text("name"),
        batch=part.integer("batch", 1, 1024),
        height=part.integer("height", 1, 8192),
        width=part.integer("width", 1, 8192),
        colour=part.choice("colour", ("RGB", "BGR")),
        dtype=part.choice("dtype", DTYPES),
        scale=part.number("scale", above=0.0),
        zero_point=part.integer("zero_point", -(2**15), 2**15),
        normalisation=_normalisation(part.object("normalisation")),
    )


def _normalisation(part: Fields) -> Normalisation:
    kind = part.choice("kind", ("affine", "standardise"))
    if kind == "standardise":
        return Normalisation(kind, clip=part.ascending("clip"))
    std = part.numbers("std", 3)
    if any(value == 0 for value in std):
        raise ContractError(f"{part.where}: a standard deviation of 0")
    return Normalisation(kind, mean=part.numbers("mean", 3), std=std)


def _crop(part: Fields) -> Crop:
    kind = part.choice("kind", ("template", "box", "frame", "region"))
    if kind == "box":
        return Crop(kind, margin=part.number("margin"))
    if kind == "frame":
        return Crop(kind)
    if kind == "region":
        # A contract that is written by hand does not know it yet: the conversion puts it in.
        return Crop(kind, of=part.text("of") if part.has("of") else "")
    points = np.array([list(point) for point in part.pairs("landmarks", 5)], dtype=np.float64)
    width, height = part.integer("width", 1, 8192), part.integer("height", 1, 8192)
    return Crop(kind, template=CropTemplate(width, height, points))


def _output(part: Fields) -> Output:
    head = part.choice("head", HEADS)
    size = part.integer("size", 1, 1_000_000)
    output = Output(
        name=part.text("name"),
        head=head,
        dtype=part.choice("dtype", DTYPES),
        scale=part.number("scale", above=0.0),
        zero_point=part.integer("zero_point", -(2**15), 2**15),
        size=size,
        first_age=part.integer("first_age", 0, 200) if part.has("first_age") else 0,
        rank_bias=part.numbers("rank_bias", size) if part.has("rank_bias") else (),
        years_scale=part.number("years_scale") if part.has("years_scale") else 1.0,
        years_offset=part.number("years_offset") if part.has("years_offset") else 0.0,
        bounds=part.pairs("bounds", size) if head == "groups" else (),
        years_curve=_years_curve(part) if part.has("years_curve") else (),
        labels=_labels(part, size) if head == "gender" and part.has("labels") else (),
    )
    if head == "region" and size != 4:
        raise ContractError(
            f"{part.where}: a region of {size} values, expected four: left, top, right, bottom"
        )
    if any(low >= high for low, high in output.bounds):
        raise ContractError(f"{part.where}: an age group that ends before it begins")
    return output


def _labels(part: Fields, size: int) -> tuple[str, ...]:
    labels = tuple(part.texts("labels"))
    if len(labels) != size or len(set(labels)) != size or size < 2:
        raise ContractError(
            f"{part.where}: {len(labels)} 'labels' for an output of {size} values, expected two or "
            "more, one for each value and no two alike"
        )
    return labels


def _years_curve(part: Fields) -> tuple[tuple[float, float], ...]:
    pairs = part.pair_list("years_curve", _MOST_CURVE)
    if any(a >= c or b >= d for (a, b), (c, d) in itertools.pairwise(pairs)):
        raise ContractError(f"{part.where}: 'years_curve' does not ascend in both numbers")
    return pairs


def _document(contract: Contract) -> dict[str, Any]:
    document: dict[str, Any] = {
        "format": CONTRACT_FORMAT,
        "task": contract.task,
        "name": contract.name,
        "licence": contract.licence,
        "input": _input_document(contract.input),
        "crop": _crop_document(contract.crop),
        "outputs": [_output_document(output) for output in contract.outputs],
    }
    if contract.detector is not None:
        document["detector"] = stage_document(contract.detector)
    if contract.interval is not None:
        document["interval"] = interval_document(contract.interval)
    document["golden"] = contract.golden
    document["provenance"] = contract.provenance
    return document


def _input_document(part: Input) -> dict[str, Any]:
    normalisation = {
        key: list(value) if isinstance(value, tuple) else value
        for key, value in vars(part.normalisation).items()
        if value
    }
    return {**vars(part), "normalisation": normalisation}


def _crop_document(part: Crop) -> dict[str, Any]:
    if part.template is None:
        more: dict[str, Any] = {"margin": part.margin} if part.kind == "box" else {}
        return {"kind": part.kind, **more, **({"of": part.of} if part.of else {})}
    return {
        "kind": part.kind,
        "width": part.template.width,
        "height": part.template.height,
        "landmarks": part.template.points.tolist(),
    }


def _output_document(part: Output) -> dict[str, Any]:
    document = {
        key: vars(part)[key] for key in ("name", "head", "dtype", "scale", "zero_point", "size")
    }
    if part.head in ("coral", "distribution"):
        document["first_age"] = part.first_age
    if part.rank_bias:
        document["rank_bias"] = list(part.rank_bias)
    if part.head == "regression":
        document |= {"years_scale": part.years_scale, "years_offset": part.years_offset}
    if part.bounds:
        document["bounds"] = [list(pair) for pair in part.bounds]
    if part.years_curve:
        document["years_curve"] = [list(pair) for pair in part.years_curve]
    if part.labels:
        document["labels"] = list(part.labels)
    return document
