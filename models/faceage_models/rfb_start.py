"""Start weights and teacher of the finder: RFB-320, which has learnt from photographs.

    python -m faceage_models.rfb_start --model rfb_320.tflite --out finder-start.npz

RFB-320 is Linzaer's `Ultra-Light-Fast-Generic-Face-Detector-1MB` (MIT), trained on WIDER FACE. Its
.tflite holds convolutions with their normalisation folded in. They are read in the order in which
it runs them, into a network that gives the same answers to our input (BGR, (u8 - 128) / 128).
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faceage_edge.command import run
from faceage_edge.errors import ModelFileError
from faceage_models.finder_network import (
    ANCHORS,
    FINDER_SIZE,
    FRONT,
    convolved,
    finder_network,
    network_from_eighth,
    separable,
)
from faceage_models.keras_backend import training_keras
from faceage_models.layer_weights import save_layer_weights
from faceage_models.tflite_graph import load_graph, operator_name

__all__ = ["Folded", "main", "read_rfb", "rfb_network", "start_network"]

# Its input's mean; ours is one more, of the same spread.
_MEAN_APART, _SPREAD = 1.0, 128.0
_KINDS = ("CONV_2D", "DEPTHWISE_CONV_2D")
_COMPUTING = (*_KINDS, "MUL", "ADD")

Folded = tuple[NDArray[np.float32], NDArray[np.float32]]


def _names() -> list[str]:
    """The file's convolutions in the order in which it runs them."""
    blocks = ("half1", "quarter0", "quarter1", "eighth0", "eighth1", "eighth2")
    names = ["half", *(one for block in blocks for one in (f"{block}_dw", block))]
    names += ["holes2_0", "holes3_0", "holes5_0", "holes5_1", "own", "holes5_2"]
    names += ["holes3_1", "holes3", "holes2_1", "holes2", "holes5", "joined"]
    blocks = ("body16_0", "body16_1", "body16_2", "body32_0", "body32_1", "logits32")
    names += [one for block in blocks for one in (f"{block}_dw", block)]
    names += ["body64_0", "body64_1_dw", "body64_1", "logits64", "boxes64"]
    heads = ("boxes32", "logits16", "boxes16", "logits8", "boxes8")
    return names + [one for head in heads for one in (f"{head}_dw", head)]


def read_rfb(path: Path) -> dict[str, Folded]:
    """Read RFB-320's convolutions.

    Args:
        path: its .tflite, float32, of 320 x 240 pixels.

    Returns:
        Kernel and bias by layer name of `rfb_network`, as Keras shapes them. Instead of one logit
        for a face and one for none there is their difference; the anchors of 10 pixels are left
        out.

    Raises:
        ModelFileError: the file is missing, damaged, or of another network.
        MissingExtraError: `ai_edge_litert` is not installed.
    """
    try:
        found = _convolutions(path.read_bytes(), str(path))
        layers = dict(zip(_names(), found, strict=True))
        kernel, bias = layers["half"]
        # The mean that our input has less than its own, then from red first to blue first.
        bias = bias + kernel.sum(axis=(0, 1, 2)) * (_MEAN_APART / _SPREAD)
        layers["half"] = (kernel[:, :, ::-1], bias)
        for stride, sides in ANCHORS.items():
            logits, boxes = f"logits{stride}", f"boxes{stride}"
            # The last ones: only the finest grid has an anchor too many.
            layers[logits] = _each(layers[logits], lambda a: a[..., 1::2] - a[..., ::2], sides, 1)
            layers[boxes] = _each(layers[boxes], lambda a: a, sides, 4)
    except (OSError, ValueError, IndexError) as error:
        raise ModelFileError(
            f"{path} is not RFB-320's float .tflite ({error}); models/README.md says where to get "
            "it"
        ) from error
    return layers


def _each(layer: Folded, change: Any, sides: Sequence[float], width: int) -> Folded:
    kernel, bias = (change(one)[..., -width * len(sides) :] for one in layer)
    return kernel, bias


def _convolutions(data: bytes, where: str) -> list[Folded]:
    """Kernels and biases in the order in which the file runs them; what scales and shifts the
    answer of one is folded into it."""
    model = load_graph(data, where)
    graph, found = model.subgraphs[0], []

    def constant(index: int) -> NDArray[np.float32] | None:
        data = model.buffers[graph.tensors[index].buffer].data
        if data is None or not len(data):
            return None
        shape = graph.tensors[index].shape
        return np.frombuffer(bytes(data), np.float32).reshape(shape if shape is not None else ())

    for operator in graph.operators:
        name = operator_name(model, operator)
        values = [constant(int(i)) for i in operator.inputs[1:]] if name in _COMPUTING else []
        if name in _KINDS:
            kernel, bias = values
            if kernel is None or bias is None:
                raise ValueError("a convolution without constants")
            found.append((np.transpose(kernel, (1, 2, 3, 0)), bias))
        elif values and values[0] is not None:
            (kernel, bias), value = found[-1], values[0]
            scaled = (kernel * value, bias * value) if name == "MUL" else (kernel, bias + value)
            found[-1] = scaled
    return found


def rfb_network(layers: dict[str, Folded]) -> Any:
    """Build RFB-320 with its weights.

    Args:
        layers: from `read_rfb`.

    Returns:
        A Keras model with input and outputs of `finder_network`.
    """
    keras = training_keras()
    pixels = keras.Input((FINDER_SIZE[1], FINDER_SIZE[0], 3), name="input")
    x = convolved(pixels, 16, 3, "half", stride=2)
    x = separable(x, 32, 1, "half1")
    x = separable(x, 32, 2, "quarter0")
    x = separable(x, 32, 1, "quarter1")
    x = separable(x, 64, 2, "eighth0")
    model = keras.Model(pixels, network_from_eighth(x), name="rfb")
    for name in layers:
        _set(model, name, layers[name])
    return model


def start_network(layers: dict[str, Folded]) -> Any:
    """Build the finder, its first two layers random, all others RFB-320's."""
    model = finder_network()
    own = {layer.name for layer in model.layers}
    for name in own.intersection(layers).difference(FRONT):
        _set(model, name, layers[name])
    return model


def _set(model: Any, name: str, layer: Folded) -> None:
    wanted = model.get_layer(name)
    shape = wanted.get_weights()[0].shape
    wanted.set_weights([layer[0].reshape(shape), layer[1].reshape(-1)])


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line.

    Returns:
        0 done, 1 our error, 2 usage.
    """
    parser = argparse.ArgumentParser(prog="python -m faceage_models.rfb_start")
    parser.add_argument("--model", type=Path, required=True, help="RFB-320's float .tflite")
    parser.add_argument("--out", type=Path, required=True, metavar="NPZ")
    options = parser.parse_args(argv)

    def body() -> int:
        save_layer_weights(start_network(read_rfb(options.model)), options.out)
        print(options.out)
        return 0

    return run("faceage_models.rfb_start", body)


if __name__ == "__main__":
    raise SystemExit(main())
