"""Take `TFLite_Detection_PostProcess` off an SSD: int8 ends at the raw numbers, anchors go into the
contract.

The operation decodes in float and cannot be quantized. Its anchors are a constant of the graph, its
steps are its options; what it does after that, our decoder does too.
"""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from faceage_edge.anchors import AnchorGrid, Anchors
from faceage_edge.contract import Contract
from faceage_edge.errors import ModelFileError
from faceage_edge.flatbuffer import read_model_file
from faceage_models.detector_families import float_output
from faceage_models.post_process import POST_PROCESS
from faceage_models.tflite_edit import remove_unused
from faceage_models.tflite_graph import load_graph, operator_name, save_graph, tensor_name

__all__ = ["grids_of", "take_apart"]

# Anchors are float32 in the file: what a grid explains to this share of the input is a grid.
_TOLERANCE = 1e-4
Floats = npt.NDArray[np.float64]


def take_apart(data: bytes, contract: Contract, where: str) -> tuple[bytes, Contract]:
    """Turn a network of the stage `boxes` into one of the stage `anchors`.

    Args:
        data: a float .tflite that ends in the operation.
        contract: its contract.
        where: its name, for messages.

    Returns:
        The file without the operation, and its contract without digests.

    Raises:
        ModelFileError: the operation is not there, its anchors are no constant or no grids, or its
            options are not understood.
        MissingExtraError: `ai_edge_litert` is not installed.
    """
    model = load_graph(data, where)
    graph = model.subgraphs[0]
    last = [one for one in graph.operators if operator_name(model, one) == POST_PROCESS]
    if len(last) != 1:
        raise ModelFileError(f"{where} has {len(last)} operations {POST_PROCESS}, expected one")
    options = _options(last[0], where)
    boxes, scores, table = (int(i) for i in last[0].inputs)
    names = (tensor_name(graph.tensors[scores]), tensor_name(graph.tensors[boxes]))
    grids = grids_of(_constant(model, table, where), contract.input.width, contract.input.height,
                     names, where)  # fmt: skip
    graph.operators.remove(last[0])
    graph.outputs = np.array([boxes, scores], np.int32)
    model.signatureDefs = None
    raw = remove_unused(save_graph(model))
    tensors = {tensor.name: tensor for tensor in read_model_file(raw, where).outputs}
    columns = tensors[names[0]].shape[-1]
    assert contract.detector is not None
    # A column of "nothing" stands first where there are more columns than classes.
    index = columns - int(options["num_classes"]) + contract.detector.face_class
    anchors = Anchors(
        centre_step=1 / options["x_scale"], side_step=1 / options["w_scale"], sides="exponential",
        order="yxhw", offset=0.5, score_index=index, points="none", grids=grids,
    )  # fmt: skip
    stage = replace(
        contract.detector,
        stage="anchors",
        logit_threshold=max(contract.detector.logit_threshold, _least_logit(options)),
        nms=float(options["nms_iou_threshold"]),
        anchors=anchors,
        face_class=0,
    )
    heads = {names[1]: "box-offsets", names[0]: "face-score"}
    outputs = tuple(float_output(tensors[name], head) for name, head in heads.items())
    return raw, replace(
        contract, outputs=outputs, detector=stage, golden={}, provenance={"scheme": "float32"}
    )


def grids_of(
    table: Floats, width: int, height: int, names: tuple[str, str], where: str
) -> tuple[AnchorGrid, ...]:
    """Find the grids that a table of anchors is made of.

    Args:
        table: float64 (n, 4): centre y, centre x, height, width as shares of the input, as the
            object detection API of TensorFlow writes them: row by row, those of a cell together.
        width: of the input in pixels.
        height: of the input in pixels.
        names: of the outputs, scores and boxes.
        where: the model's name, for messages.

    Raises:
        ModelFileError: the table is no such grids.
    """
    grids: list[AnchorGrid] = []
    place = 0
    while place < len(table):
        grid = _next_grid(table[place:], (width, height), names)
        if grid is None:
            raise ModelFileError(
                f"{where}: its anchors from number {place} on lie on no grid of cells; state what "
                "they are with --detector-contract FILE"
            )
        grids.append(grid)
        place += grid.count
    return tuple(grids)


def _next_grid(table: Floats, size: tuple[int, int], names: tuple[str, str]) -> AnchorGrid | None:
    same = np.abs(table[:, :2] - table[0, :2]).max(axis=1) < _TOLERANCE
    each = len(table) if same.all() else int(np.argmin(same))
    # The first cell's middle is half a cell from the edge. Cells need not fill the input: the last
    # ones of a stride that does not divide it reach beyond.
    down, across = 2 * table[0, :2]
    columns = _steps(table[::each, 1], across)
    rows = _steps(table[:: each * columns, 0], down)
    own = table[: rows * columns * each]
    if min(down, across) < _TOLERANCE or len(own) < rows * columns * each:
        return None
    row, column = np.divmod(np.arange(rows * columns), columns)
    middles = np.stack([(row + 0.5) * down, (column + 0.5) * across], axis=1)
    wanted = np.concatenate(
        [np.repeat(middles, each, axis=0), np.tile(table[:each, 2:], (rows * columns, 1))], axis=1
    )
    if np.abs(wanted - own).max() > _TOLERANCE:
        return None
    width, height = size
    sides = tuple((float(w * width), float(h * height)) for h, w in table[:each, 2:])
    stride = (_pixels(across * width), _pixels(down * height))
    return AnchorGrid(columns, rows, stride, sides, names[:1], names[1])


def _steps(middles: Floats, step: float) -> int:
    """How many of the middles follow one another by a step."""
    missed = np.abs(middles - (np.arange(len(middles)) + 0.5) * step) >= _TOLERANCE
    return int(np.argmax(missed)) if missed.any() else len(middles)


def _pixels(value: float) -> float:
    """A stride: whole where float32 made it not quite."""
    return float(round(value)) if abs(value - round(value)) < _TOLERANCE else float(value)


def _least_logit(options: dict[str, float]) -> float:
    """The operation's own threshold of scores, as a logit."""
    least = options["nms_score_threshold"]
    return math.log(least / (1 - least)) if 0 < least < 1 else -math.inf


def _options(operator: Any, where: str) -> dict[str, float]:
    from flatbuffers import flexbuffers

    try:
        read = dict(flexbuffers.Loads(bytes(bytearray(operator.customOptions))))
        options = {key: float(value) for key, value in read.items()}
        steps = options["x_scale"] == options["y_scale"], options["w_scale"] == options["h_scale"]
        good = all(steps) and options["w_scale"] > 0 and options["x_scale"] > 0
        good = good and options["num_classes"] >= 1 and options["nms_iou_threshold"] > 0
        good = good and options["nms_score_threshold"] < 1
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise ModelFileError(f"{where}: the options of {POST_PROCESS} lack {error}") from error
    if not good:
        raise ModelFileError(
            f"{where}: {POST_PROCESS} has the options {options}; expected equal steps across "
            "and down"
        )
    return options


def _constant(model: Any, index: int, where: str) -> Floats:
    tensor = model.subgraphs[0].tensors[index]
    data = model.buffers[tensor.buffer].data
    if data is None or tensor.type != 0:
        raise ModelFileError(f"{where}: its anchors are no float32 constant; give the float model")
    return np.array(data, np.uint8).view(np.float32).astype(np.float64).reshape(-1, 4)
