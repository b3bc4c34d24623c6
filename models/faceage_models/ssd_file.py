r"""Write RFB-320 as an SSD of TensorFlow's object detection API, with its boxes finished inside.

    python -m faceage_models.ssd_file --model rfb_320.tflite --out rfb-320-ssd.tflite

A trained detector of that form, to try what is done with those that users bring. The network stays
as it is, but that its last convolutions give y before x; behind it stands
`TFLite_Detection_PostProcess` with its anchors as a constant, its steps as options, and its
published thresholds. models/recipes/contracts/rfb-320-ssd.toml says how pictures go in.
"""

import argparse
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from faceage_edge.atomic import write_bytes
from faceage_edge.command import run
from faceage_edge.errors import ModelFileError
from faceage_edge.flatbuffer import read_model_file
from faceage_edge.model import read_model_bytes
from faceage_models.detector_families import family_of
from faceage_models.post_process import PostProcess, anchor_table, append_post_process
from faceage_models.tflite_constants import fold_constants
from faceage_models.tflite_edit import remove_unused
from faceage_models.tflite_graph import load_graph, operator_name, save_graph, tensor_name

__all__ = ["main", "ssd_of_rfb"]

# As many faces as one picture gives at most: the object detection API's own.
_MOST_BOXES = 100
# From x, y, width, height of a box to y, x, height, width.
_ORDER = [1, 0, 3, 2]


def ssd_of_rfb(data: bytes, where: str, *, least_logit: float | None = None) -> bytes:
    """Put the operation behind the network.

    Args:
        data: RFB-320's or -640's float .tflite.
        where: its name, for messages.
        least_logit: of a face's score; that of its demonstration if None.

    Returns:
        A float .tflite of four outputs: boxes, classes, scores and their count.

    Raises:
        ModelFileError: it is another network, or its boxes come from elsewhere than convolutions.
        MissingExtraError: `ai_edge_litert` is not installed.
    """
    folded = fold_constants(data, where)
    read = read_model_file(folded, where)
    family = family_of(read, where)
    anchors = family.stage.anchors
    if family.name != "RFB" or anchors is None or read.inputs[0].dtype != "float32":
        raise ModelFileError(
            f"{where} is {family.name} of {read.inputs[0].dtype}, expected RFB in float32"
        )
    model = load_graph(folded, where)
    names = {tensor_name(model.subgraphs[0].tensors[i]): int(i) for i in model.subgraphs[0].outputs}
    boxes, scores = names[anchors.grids[0].boxes], names[anchors.grids[0].scores[0]]
    for convolution in _box_convolutions(model, boxes, where):
        _reorder(model, convolution)
    if least_logit is None:
        least_logit = family.stage.logit_threshold
    height, width = read.inputs[0].shape[1:3]
    options = PostProcess(
        centre_scale=1 / anchors.centre_step,
        side_scale=1 / anchors.side_step,
        least_score=1 / (1 + math.exp(-least_logit)),
        most_overlap=family.stage.nms,
        most_boxes=_MOST_BOXES,
    )
    append_post_process(model, boxes, scores, anchor_table(anchors, width, height), options)
    return remove_unused(save_graph(model))


def _box_convolutions(model: Any, boxes: int, where: str) -> list[Any]:
    """The convolutions that make the boxes, one a grid: they are reshaped and put together."""
    makers = {int(i): one for one in model.subgraphs[0].operators for i in one.outputs}
    found = []
    for part in makers[boxes].inputs:
        reshape = makers.get(int(part))
        maker = None if reshape is None else makers.get(int(reshape.inputs[0]))
        if maker is None or operator_name(model, maker) != "CONV_2D":
            raise ModelFileError(
                f"{where}: its boxes do not come from convolutions that are put together; give "
                "RFB's own .tflite"
            )
        found.append(maker)
    return found


def _reorder(model: Any, convolution: Any) -> None:
    """Give a convolution's filters and biases, four of each anchor, the operation's order."""
    for index in convolution.inputs[1:]:
        tensor = model.subgraphs[0].tensors[int(index)]
        buffer = model.buffers[tensor.buffer]
        values = np.array(buffer.data, np.uint8).view(np.float32).reshape(tensor.shape[0], -1)
        fours = values.reshape(-1, len(_ORDER), values.shape[1])
        buffer.data = np.frombuffer(fours[:, _ORDER].tobytes(), np.uint8)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Returns:
        0 done, 1 our error, 2 usage.
    """
    parser = argparse.ArgumentParser(prog="python -m faceage_models.ssd_file")
    parser.add_argument("--model", type=Path, required=True, metavar="FILE", help="RFB's .tflite")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help=".tflite to write")
    options = parser.parse_args(argv)

    def body() -> int:
        data = read_model_bytes(options.model)
        write_bytes(options.out, ssd_of_rfb(data, str(options.model)))
        print(options.out)
        return 0

    return run("faceage_models.ssd_file", body)


if __name__ == "__main__":
    raise SystemExit(main())
