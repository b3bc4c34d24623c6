"""Put `TFLite_Detection_PostProcess` behind a network that gives the raw numbers of anchors.

So end detectors of TensorFlow's object detection API; `ssd_post_process` takes it off again.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from faceage_edge.anchors import Anchors

__all__ = ["POST_PROCESS", "PostProcess", "anchor_table", "append_post_process"]

POST_PROCESS = "TFLite_Detection_PostProcess"
# BuiltinOperator and TensorType of the schema.
_CUSTOM, _FLOAT32 = 32, 0


@dataclass(frozen=True)
class PostProcess:
    """The operation's options, for a network that knows one class and "nothing".

    A box's centre moves by value / `centre_scale` anchor sides, its side is the anchor's times
    exp(value / `side_scale`). Boxes of `least_score` and less are no faces, of two that overlap by
    more than `most_overlap` the surer stays, and `most_boxes` are given.
    """

    centre_scale: float
    side_scale: float
    least_score: float
    most_overlap: float
    most_boxes: int

    def document(self) -> dict[str, float | int]:
        """The options by the operation's names."""
        return {
            "x_scale": self.centre_scale,
            "y_scale": self.centre_scale,
            "w_scale": self.side_scale,
            "h_scale": self.side_scale,
            "nms_score_threshold": self.least_score,
            "nms_iou_threshold": self.most_overlap,
            "max_detections": self.most_boxes,
            "max_classes_per_detection": 1,
            "num_classes": 1,
        }


def anchor_table(anchors: Anchors, width: int, height: int) -> npt.NDArray[np.float32]:
    """The operation's anchors: centre y, centre x, height, width as shares of the input.

    Args:
        anchors: of a contract.
        width: of the input in pixels.
        height: of the input in pixels.

    Returns:
        float32 (n, 4), grid by grid and row by row, those of a cell together.
    """
    parts = []
    for grid in anchors.grids:
        row, column = np.divmod(np.arange(grid.columns * grid.rows), grid.columns)
        across, down = grid.stride
        middles = np.stack([(row + anchors.offset) * down, (column + anchors.offset) * across], 1)
        sides = np.array(grid.sides)[:, ::-1]
        own = [np.repeat(middles, len(sides), axis=0), np.tile(sides, (len(middles), 1))]
        parts.append(np.concatenate(own, axis=1))
    shares = np.concatenate(parts) / np.array([height, width, height, width])
    return np.asarray(shares, np.float32)


def append_post_process(
    model: Any, boxes: int, scores: int, table: npt.NDArray[np.float32], options: PostProcess
) -> None:
    """Let a graph end in the operation; its four answers become the graph's.

    Args:
        model: a `ModelT` of the schema, changed in place.
        boxes: number of the tensor of moves, (1, n, 4): y, x, height, width.
        scores: number of the tensor of probabilities, (1, n, 2): nothing, and the class.
        table: float32 (n, 4), as `anchor_table` gives it.
        options: of the operation.
    """
    from ai_edge_litert.schema_py_generated import OperatorCodeT, OperatorT

    code = OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = _CUSTOM
    code.customCode = POST_PROCESS
    model.operatorCodes.append(code)
    most = options.most_boxes
    shapes: dict[str, tuple[int, ...]] = {
        "boxes": (1, most, 4), "classes": (1, most), "scores": (1, most), "count": (1,),
    }  # fmt: skip
    operator = OperatorT()
    operator.opcodeIndex = len(model.operatorCodes) - 1
    anchors = _tensor(model, "anchors", table.shape, np.ascontiguousarray(table, np.float32))
    operator.inputs = np.array([boxes, scores, anchors], np.int32)
    made = [_tensor(model, f"detected_{name}", shape) for name, shape in shapes.items()]
    operator.outputs = np.array(made, np.int32)
    operator.customOptions = np.frombuffer(_flexbuffer(options), np.uint8)
    graph = model.subgraphs[0]
    graph.operators.append(operator)
    graph.outputs, model.signatureDefs = operator.outputs, None


def _tensor(
    model: Any, name: str, shape: tuple[int, ...], values: npt.NDArray[np.float32] | None = None
) -> int:
    from ai_edge_litert.schema_py_generated import BufferT, TensorT

    made = TensorT()
    made.name, made.shape, made.type = name, np.array(shape, np.int32), _FLOAT32
    if values is not None:
        buffer = BufferT()
        buffer.data = np.frombuffer(values.tobytes(), np.uint8)
        model.buffers.append(buffer)
        made.buffer = len(model.buffers) - 1
    tensors = model.subgraphs[0].tensors
    tensors.append(made)
    return len(tensors) - 1


def _flexbuffer(options: PostProcess) -> bytes:
    from flatbuffers import flexbuffers

    made = flexbuffers.Builder()
    with made.Map():
        for key, value in options.document().items():
            (made.Int if isinstance(value, int) else made.Float)(key, value)
    return bytes(made.Finish())
