"""Know a published face detector by its outputs, and say how its numbers become boxes.

The constants are the publications': BlazeFace (Bazarevsky et al., arXiv:1907.05047; anchors and
thresholds of MediaPipe's face detection), RFB-320 and -640
(Ultra-Light-Fast-Generic-Face-Detector-1MB by Linzaer), YuNet (Wu, Peng, Yu, Machine Intelligence
Research 2023; OpenCV's `FaceDetectorYN`).
"""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from faceage_edge.anchors import AnchorGrid, Anchors
from faceage_edge.contract import Normalisation, Output
from faceage_edge.detector_stage import Stage
from faceage_edge.errors import ModelFileError
from faceage_edge.flatbuffer import ModelFile, TensorInfo
from faceage_edge.operators import operator_names

__all__ = ["Family", "family_of", "float_output"]

_POST_PROCESS = "TFLite_Detection_PostProcess"
# BlazeFace by side of its input: (stride, anchors of a cell) of each grid.
_BLAZEFACE = {128: ((8, 2), (16, 6)), 192: ((4, 1),), 256: ((16, 2), (32, 6))}
_BLAZEFACE_NUMBERS = 16
# Sides of RFB's priors in input pixels by stride; those of the 640-pixel network are the same. None
# is longer than the input: its authors cut them off there before they trained.
_RFB = {8: (10, 16, 24), 16: (32, 48), 32: (64, 96), 64: (128, 192, 256)}
_YUNET_STRIDES = (8, 16, 32)


@dataclass(frozen=True)
class Family:
    """A detector as its publication describes it.

    `name` is for people; `colour`, `normalisation`, `outputs` and `stage` are those of its
    contract.
    """

    name: str
    colour: str
    normalisation: Normalisation
    outputs: tuple[Output, ...]
    stage: Stage


def family_of(model: ModelFile, where: str) -> Family:
    """Recognise a detector.

    Args:
        model: a file whose constants are folded, so that all shapes are stated.
        where: its name, for messages.

    Raises:
        ModelFileError: it is none of those known here; the message says what was found.
    """
    for known in (_ssd, _blazeface, _rfb, _yunet):
        if (found := known(model)) is not None:
            return found
    shapes = ", ".join(f"{one.name!r} {one.shape}" for one in model.outputs[:6])
    raise ModelFileError(
        f"{where} is no face detector that is known by its outputs ({shapes}; input "
        f"{model.inputs[0].shape}); known are BlazeFace, RFB-320, YuNet and SSD with "
        f"{_POST_PROCESS}: state what it is with --detector-contract FILE (docs/detector.md shows "
        "one)"
    )


def float_output(tensor: TensorInfo, head: str) -> Output:
    """An output as the file has it, quantized or not."""
    scale = tensor.scales[0] if tensor.scales else 1.0
    zero_point = tensor.zero_points[0] if tensor.zero_points else 0
    size = math.prod(tensor.shape[1:])
    return Output(tensor.name, head, tensor.dtype, scale, zero_point, size)


def _affine(mean: float, std: float) -> Normalisation:
    return Normalisation("affine", mean=(mean,) * 3, std=(std,) * 3)


def _logit(probability: float) -> float:
    return round(math.log(probability / (1 - probability)), 6)


def _of_width(model: ModelFile, width: int) -> list[TensorInfo]:
    """The outputs (1, anchors, width)."""
    return [one for one in model.outputs if len(one.shape) == 3 and one.shape[2] == width]


def _only(*outputs: Sequence[TensorInfo], of: ModelFile) -> bool:
    """Whether there is one of each kind, of as many anchors, and no other output."""
    if any(len(one) != 1 for one in outputs) or len(of.outputs) != len(outputs):
        return False
    return len({one[0].shape[1] for one in outputs}) == 1


def _grid(
    model: ModelFile, stride: float, sides: Sequence[float], names: tuple[tuple[str, ...], str, str]
) -> AnchorGrid:
    """A grid of square anchors over the whole input, none longer than that."""
    _, height, width, _ = model.inputs[0].shape
    return AnchorGrid(
        columns=math.ceil(width / stride),
        rows=math.ceil(height / stride),
        stride=(float(stride), float(stride)),
        sides=tuple((float(min(side, width)), float(min(side, height))) for side in sides),
        scores=names[0],
        boxes=names[1],
        points=names[2],
    )


def _blazeface(model: ModelFile) -> Family | None:
    boxes, scores = _of_width(model, _BLAZEFACE_NUMBERS), _of_width(model, 1)
    layout = _BLAZEFACE.get(model.inputs[0].shape[1])
    if layout is None or not _only(boxes, scores, of=model):
        return None
    names = ((scores[0].name,), boxes[0].name, boxes[0].name)
    # Its anchors have no size: values are pixels of the input.
    grids = tuple(_grid(model, stride, (1.0,) * count, names) for stride, count in layout)
    if sum(grid.count for grid in grids) != boxes[0].shape[1]:
        return None
    anchors = Anchors(1.0, 1.0, "linear", "xywh", 0.5, 0, "six", grids)
    outputs = (float_output(boxes[0], "box-offsets"), float_output(scores[0], "face-logit"))
    stage = Stage("anchors", _logit(0.5), 0.3, anchors=anchors)
    return Family("BlazeFace", "RGB", _affine(127.5, 127.5), outputs, stage)


def _rfb(model: ModelFile) -> Family | None:
    boxes, scores = _of_width(model, 4), _of_width(model, 2)
    if not _only(boxes, scores, of=model):
        return None
    names = ((scores[0].name,), boxes[0].name, "")
    grids = tuple(_grid(model, stride, sides, names) for stride, sides in _RFB.items())
    if sum(grid.count for grid in grids) != boxes[0].shape[1]:
        return None
    anchors = Anchors(0.1, 0.2, "exponential", "xywh", 0.5, 1, "none", grids)
    outputs = (float_output(boxes[0], "box-offsets"), float_output(scores[0], "face-score"))
    stage = Stage("anchors", _logit(0.7), 0.3, anchors=anchors)
    return Family("RFB", "RGB", _affine(127.0, 128.0), outputs, stage)


def _yunet(model: ModelFile) -> Family | None:
    _, height, width, _ = model.inputs[0].shape
    by_size: dict[tuple[int, ...], list[TensorInfo]] = defaultdict(list)
    for output in model.outputs:
        by_size[output.shape[1:]].append(output)
    grids, outputs = [], []
    for stride in _YUNET_STRIDES:
        count = (width // stride) * (height // stride)
        scores = by_size.get((count, 1), [])
        boxes, points = by_size.get((count, 4), []), by_size.get((count, 10), [])
        # Class and object scores are alike, and only their product counts.
        if (len(scores), len(boxes), len(points)) != (2, 1, 1):
            return None
        names = (tuple(one.name for one in scores), boxes[0].name, points[0].name)
        grids.append(_grid(model, stride, (stride,), names))
        outputs += [float_output(one, "face-score") for one in scores]
        outputs.append(float_output(boxes[0], "box-offsets"))
        outputs.append(float_output(points[0], "landmarks"))
    if len(outputs) != len(model.outputs):
        return None
    anchors = Anchors(1.0, 1.0, "exponential", "xywh", 0.0, 0, "five", tuple(grids))
    # OpenCV's demonstration takes 0.9 on the product's root; 0.6 is its default of the class.
    stage = Stage("anchors", _logit(0.6), 0.3, anchors=anchors)
    return Family("YuNet", "BGR", _affine(0.0, 1.0), tuple(outputs), stage)


def _ssd(model: ModelFile) -> Family | None:
    if not model.operators or operator_names(model)[-1] != _POST_PROCESS or len(model.outputs) != 4:
        return None
    # The operation's own order, whatever order the file lists its outputs in.
    last = [model.tensors[i] for i in model.operators[-1].outputs]
    heads = ("boxes", "box-classes", "box-scores", "box-count")
    outputs = tuple(float_output(one, head) for one, head in zip(last, heads, strict=True))
    stage = Stage("boxes", _logit(0.5), 0.5)
    return Family("SSD", "RGB", _affine(127.5, 127.5), outputs, stage)
