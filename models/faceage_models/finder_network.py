"""The finder: one single-shot network that says where faces are in a whole frame.

RFB-320 (`Ultra-Light-Fast-Generic-Face-Detector-1MB` by Linzaer) with a cheaper beginning: half of
its channels at half resolution, and one plain convolution in place of its first two separable
blocks. There are many pixels of few channels, and instructions go into moving data rather than
into arithmetic. From a quarter of the resolution on it is RFB-320 layer by layer, so that its
weights, which have seen photographs that we have not, may begin its training (`rfb_start`).

Four grids of square anchors (SSD: Liu et al., arXiv:1512.02325): each says whether a face is about
there and how far the face's centre and sides are from its own. Before the finest grid three
branches of convolutions with holes see the surroundings of a small face (RFB: Liu, Huang and Wang,
arXiv:1711.07767).
"""

from pathlib import Path
from typing import Any

from faceage_edge.anchors import AnchorGrid, Anchors
from faceage_models.keras_backend import training_keras
from faceage_models.layer_weights import load_layer_weights

__all__ = [
    "ANCHORS", "CENTRE_STEP", "FINDER_SIZE", "FRONT", "SIDE_STEP", "STRIDES", "TAPS",
    "convolved", "finder_anchors", "finder_network", "grid_cells", "load_finder",
    "network_from_eighth", "separable",
]  # fmt: skip

# Width and height of the input in pixels: half of a 640 x 480 frame.
FINDER_SIZE = (320, 240)
# Sides in input pixels of the anchors of one cell, by stride: RFB-320's, less its smallest (10),
# which stands for faces below 20 pixels of a 640 x 480 frame.
ANCHORS = {8: (16.0, 24.0), 16: (32.0, 48.0), 32: (64.0, 96.0), 64: (128.0, 192.0, 256.0)}
STRIDES = tuple(ANCHORS)
# How far centre and sides of an anchor move for an output of 1: SSD's "variances".
CENTRE_STEP, SIDE_STEP = 0.1, 0.2
# The layers that RFB-320 does not have.
FRONT = ("half", "quarter")
# Where it sees what RFB-320 sees: the end of its beginning, and what each grid reads.
TAPS = {4: "eighth0_relu", 8: "seen8", 16: "body16_2_relu", 32: "body32_1_relu"}

_HALF, _QUARTER, _EIGHTH = 8, 32, 64
# One anchor in a hundred is a face (Lin et al., arXiv:1708.02002, section 4.1): where nothing is
# known yet, a flat start would drown the few faces in the loss of everything else.
_PRIOR_LOGIT = -4.6


def grid_cells(stride: int) -> tuple[int, int]:
    """Columns and rows of a grid."""
    return -(-FINDER_SIZE[0] // stride), -(-FINDER_SIZE[1] // stride)


def finder_anchors() -> Anchors:
    """How the outputs of `finder_network` become boxes, for the contract."""
    grids = []
    for stride, sides in ANCHORS.items():
        columns, rows = grid_cells(stride)
        step, squares = (float(stride),) * 2, tuple((side, side) for side in sides)
        grids.append(
            AnchorGrid(columns, rows, step, squares, (f"logits{stride}",), f"boxes{stride}")
        )
    return Anchors(CENTRE_STEP, SIDE_STEP, "exponential", "xywh", 0.5, 0, "none", tuple(grids))


def finder_network() -> Any:
    """Build the finder with random weights.

    Returns:
        A functional Keras model: input "input" `(n, 240, 320, 3)` float32, BGR, (u8 - 128) / 128;
        outputs a dict of `logits8`, `logits16`, `logits32`, `logits64` `(n, rows, columns, k)`,
        the face logits of the k anchors of each cell, and `boxes8`, ... `(n, rows, columns, 4 k)`,
        of each anchor how far the face's centre is across and down, in anchor sides / CENTRE_STEP,
        and the logarithms of its width and height in anchor sides / SIDE_STEP.

    Raises:
        MissingExtraError: Keras, or every back end of it, is not installed.
    """
    keras = training_keras()
    pixels = keras.Input((FINDER_SIZE[1], FINDER_SIZE[0], 3), name="input")
    x = convolved(pixels, _HALF, 3, "half", stride=2)
    x = convolved(x, _QUARTER, 3, "quarter", stride=2)
    x = separable(x, _QUARTER, 1, "quarter1")
    x = separable(x, _EIGHTH, 2, "eighth0")
    return keras.Model(pixels, network_from_eighth(x), name="finder")


def network_from_eighth(x: Any) -> dict[str, Any]:
    """Apply RFB-320 from an eighth of the resolution on.

    Args:
        x: a Keras tensor (n, 30, 40, 64).

    Returns:
        The outputs of `finder_network`.
    """
    keras = training_keras()
    x = separable(x, _EIGHTH, 1, "eighth1")
    x = separable(x, _EIGHTH, 1, "eighth2")
    seen = {8: _with_surroundings(x)}
    x = separable(seen[8], 128, 2, "body16_0")
    x = separable(x, 128, 1, "body16_1")
    seen[16] = separable(x, 128, 1, "body16_2")
    x = separable(seen[16], 256, 2, "body32_0")
    seen[32] = separable(x, 256, 1, "body32_1")
    x = convolved(seen[32], 64, 1, "body64_0")
    seen[64] = separable(x, 256, 2, "body64_1")
    outputs = {}
    for stride, sides in ANCHORS.items():
        for kind, each, prior in (("logits", 1, _PRIOR_LOGIT), ("boxes", 4, 0.0)):
            name, width = f"{kind}{stride}", each * len(sides)
            last = stride == STRIDES[-1]
            x = seen[stride] if last else _depthwise(seen[stride], 1, f"{name}_dw")
            start = keras.initializers.Constant(prior)
            outputs[name] = keras.layers.Conv2D(
                width, 3 if last else 1, padding="same", bias_initializer=start, name=name
            )(x)
    return outputs


def _with_surroundings(x: Any) -> Any:
    """The receptive field block: three branches that look two, three and five cells far."""
    layers = training_keras().layers
    branches = []
    for holes, widths in ((2, (16,)), (3, (16,)), (5, (12, 16))):
        branch = convolved(x, 8, 1, f"holes{holes}_0", relu=False)
        for index, width in enumerate(widths, 1):
            branch = convolved(branch, width, 3, f"holes{holes}_{index}")
        branches.append(convolved(branch, 16, 3, f"holes{holes}", holes=holes, relu=False))
    joined = convolved(layers.Concatenate(name="holes")(branches), 64, 1, "joined", relu=False)
    own = convolved(x, 64, 1, "own", relu=False)
    return layers.ReLU(name="seen8")(layers.Add(name="with_surroundings")([joined, own]))


def separable(x: Any, channels: int, stride: int, name: str) -> Any:
    """A depthwise and a pointwise convolution, ReLU after each."""
    return convolved(_depthwise(x, stride, f"{name}_dw"), channels, 1, name)


def convolved(
    x: Any, channels: int, side: int, name: str, *, stride: int = 1, holes: int = 1,
    relu: bool = True,
) -> Any:  # fmt: skip
    """A convolution with bias, normalisation folded in, and where asked for a ReLU.

    Args:
        x: a Keras tensor (n, height, width, c).
        channels: of the output.
        side: of the square kernel.
        name: of the layer; the ReLU's has `_relu` behind it.
        stride: 1, or 2 with a border of one pixel all around, as PyTorch lays it.
        holes: distance of the kernel's elements.
        relu: whether one follows.
    """
    layers = training_keras().layers
    x, padding = _bordered(x, name) if stride == 2 else (x, "same")
    x = layers.Conv2D(
        channels, side, strides=stride, padding=padding, dilation_rate=holes, name=name
    )(x)
    return layers.ReLU(name=f"{name}_relu")(x) if relu else x


def _depthwise(x: Any, stride: int, name: str) -> Any:
    layers = training_keras().layers
    x, padding = _bordered(x, name) if stride == 2 else (x, "same")
    x = layers.DepthwiseConv2D(3, strides=stride, padding=padding, name=name)(x)
    return layers.ReLU(name=f"{name}_relu")(x)


def _bordered(x: Any, name: str) -> tuple[Any, str]:
    return training_keras().layers.ZeroPadding2D(1, name=f"{name}_border")(x), "valid"


def load_finder(weights: Path) -> Any:
    """Build the finder with trained weights.

    Args:
        weights: .npz of `layer|weight` arrays, as the trainer writes it.

    Raises:
        ModelFileError: the file is missing, damaged, or of another network.
        MissingExtraError: Keras, or every back end of it, is not installed.
    """
    model = finder_network()
    load_layer_weights(model, weights)
    return model
