"""MTCNN's three networks (Zhang et al., arXiv:1604.02878, figure 2) for export to int8.

The same functions as the published networks, in fewer kinds of operation: convolutions, max-pooling
and maximum. Three rewrites, all exact:

- prelu(x) = max(x, a x), see `faceage_models.prelu`;
- dense layers are convolutions over the whole feature map, so nothing is transposed or reshaped;
- the input is (u8 - 128) / 128, whose int8 form is the pixel with its top bit flipped. The networks
  were trained on (u8 - 127.5) / 128: half a step more, a constant behind the first convolution
  (which does not pad), added to its bias.

Outputs end before the softmax: `face_logit` is the difference of its two inputs, face minus no
face, so its sigmoid is the softmax's probability of a face. `box` holds shifts of the left, top,
right and bottom edge as shares of the window's width and height, `landmarks` five x then five y as
shares of the window (left eye, right eye, nose, left and right mouth corner, as seen in the
picture).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from faceage_edge.errors import UsageError
from faceage_models.frameworks import import_keras
from faceage_models.mtcnn_weights import NetworkWeights, network_weights
from faceage_models.prelu import PreluBlock, split_steep

__all__ = ["mtcnn_network", "onet", "pnet", "rnet"]

# Half a step of the pixel, in units of the network's input.
_HALF_STEP = 0.5 / 128
_PNET_WINDOW = 12


@dataclass(frozen=True)
class _Pool:
    size: int
    padding: str


# Max-pooling behind each hidden convolution (stride 2), None where there is none: figure 2, with
# the paddings of the Caffe original, which rounds sizes up where "same" stands.
_POOLS: dict[str, tuple[_Pool | None, ...]] = {
    "pnet": (_Pool(2, "same"), None, None),
    "rnet": (_Pool(3, "same"), _Pool(3, "valid"), None, None),
    "onet": (_Pool(3, "same"), _Pool(3, "valid"), _Pool(2, "same"), None, None),
}


def pnet(*, height: int = 248, width: int = 272) -> Any:
    """Build the proposal network for one picture, or one pyramid packed into one canvas.

    Args:
        height: of the input in pixels, 12 or more.
        width: of the input in pixels, 12 or more.

    Returns:
        A functional Keras model. Input "input": `(1, height, width, 3)` float32 RGB,
        (u8 - 128) / 128. Outputs: `face_logit` `(1, rows, columns, 1)` and `box`
        `(1, rows, columns, 4)`, where cell (row, column) has looked at the 12 x 12 window at pixel
        (2 row, 2 column).

    Raises:
        UsageError: the input is smaller than one window.
        ModelFileError: the `mtcnn` package holds other weights than expected.
        MissingExtraError: Keras or the `mtcnn` package is not installed.
    """
    if min(height, width) < _PNET_WINDOW:
        raise UsageError(
            f"P-Net cannot look at {width} x {height} pixels: its window is "
            f"{_PNET_WINDOW} x {_PNET_WINDOW}; give a size of at least that"
        )
    return mtcnn_network("pnet", (1, height, width, 3))


def rnet(*, batch: int = 8) -> Any:
    """Build the refinement network for `batch` windows of 24 x 24 pixels.

    Returns:
        A functional Keras model: input "input" `(batch, 24, 24, 3)` float32 RGB (u8 - 128) / 128;
        outputs `face_logit` `(batch, 1, 1, 1)` and `box` `(batch, 1, 1, 4)`.

    Raises:
        UsageError: `batch` is below 1.
        ModelFileError: the `mtcnn` package holds other weights than expected.
        MissingExtraError: Keras or the `mtcnn` package is not installed.
    """
    return mtcnn_network("rnet", (batch, 24, 24, 3))


def onet(*, batch: int = 1) -> Any:
    """Build the output network for `batch` windows of 48 x 48 pixels.

    Returns:
        A functional Keras model: input "input" `(batch, 48, 48, 3)` float32 RGB (u8 - 128) / 128;
        outputs `face_logit` `(batch, 1, 1, 1)`, `box` `(batch, 1, 1, 4)` and `landmarks`
        `(batch, 1, 1, 10)`.

    Raises:
        UsageError: `batch` is below 1.
        ModelFileError: the `mtcnn` package holds other weights than expected.
        MissingExtraError: Keras or the `mtcnn` package is not installed.
    """
    return mtcnn_network("onet", (batch, 48, 48, 3))


def mtcnn_network(
    network: str, shape: tuple[int, int, int, int], weights: NetworkWeights | None = None
) -> Any:
    """Build one of the three networks for a fixed input shape.

    Args:
        network: "pnet", "rnet" or "onet".
        shape: (batch, height, width, 3).
        weights: the network's layers; the `mtcnn` package's where absent.

    Returns:
        A functional Keras model with the outputs named in the module docstring.

    Raises:
        UsageError: no such network, or the batch is below 1.
        ModelFileError: the `mtcnn` package holds other weights than expected.
        MissingExtraError: Keras or the `mtcnn` package is not installed.
    """
    if network not in _POOLS or shape[0] < 1:
        raise UsageError(
            f"cannot build {network!r} for the shape {shape}: expected pnet, rnet or onet and a "
            "batch of 1 or more"
        )
    layers = import_keras().layers
    weights = weights or network_weights(network)
    steps, outputs = _rewritten(weights)
    pixels = layers.Input(batch_shape=shape, name="input")
    x = pixels
    for index, (step, pool) in enumerate(zip(steps, _POOLS[network], strict=True), start=1):
        x = _hidden(layers, x, step, pool, index)
    heads = {name: _convolve(layers, x, *layer, name) for name, layer in outputs.items()}
    return import_keras().Model(pixels, heads, name=network)


_Layer = tuple[Any, Any]


def _rewritten(weights: NetworkWeights) -> tuple[list[PreluBlock], dict[str, _Layer]]:
    """Apply the rewrites to the weights: hidden layers without steep slopes, and the outputs."""
    outputs = {"face_logit": _difference(weights.face), "box": weights.box}
    if weights.landmarks is not None:
        outputs["landmarks"] = weights.landmarks
    kernels = [kernel for kernel, _, _ in weights.trunk]
    # The outputs share their input, so for splitting they are one convolution side by side.
    kernels.append(np.concatenate([kernel for kernel, _ in outputs.values()], axis=-1))
    steps = []
    for index, (_, bias, slope) in enumerate(weights.trunk):
        step = split_steep(PreluBlock(kernels[index], bias, slope, kernels[index + 1]))
        kernels[index + 1] = step.next_kernel
        steps.append(step)
    steps[0] = _take_half_step(steps[0])
    ends = np.cumsum([bias.size for _, bias in outputs.values()])[:-1]
    split = np.split(kernels[-1], ends, axis=-1)
    biases = [bias for _, bias in outputs.values()]
    return steps, dict(zip(outputs, zip(split, biases, strict=True), strict=True))


def _difference(face: _Layer) -> _Layer:
    kernel, bias = (array.astype(np.float64) for array in face)
    logit = (kernel[..., 1:] - kernel[..., :1], bias[1:] - bias[:1])
    return logit[0].astype(np.float32), logit[1].astype(np.float32)


def _take_half_step(step: PreluBlock) -> PreluBlock:
    shift = _HALF_STEP * step.kernel.astype(np.float64).sum(axis=(0, 1, 2))
    bias = (step.bias + shift).astype(np.float32)
    return PreluBlock(step.kernel, bias, step.slope, step.next_kernel)


def _hidden(layers: Any, x: Any, step: PreluBlock, pool: _Pool | None, index: int) -> Any:
    """Apply convolution, prelu as a maximum, and pooling.

    Pooling first would be cheaper and is exact for slopes of 0 and above only; every layer of the
    published weights that is pooled has a negative one.
    """
    x = _convolve(layers, x, step.kernel, step.bias, f"conv{index}")
    scaled = layers.DepthwiseConv2D(1, use_bias=False, name=f"slope{index}")
    x = layers.Maximum(name=f"prelu{index}")([x, scaled(x)])
    scaled.set_weights([step.slope.reshape(1, 1, -1, 1)])
    if pool is None:
        return x
    return layers.MaxPooling2D(pool.size, 2, padding=pool.padding, name=f"pool{index}")(x)


def _convolve(layers: Any, x: Any, kernel: Any, bias: Any, name: str) -> Any:
    layer = layers.Conv2D(kernel.shape[-1], kernel.shape[:2], name=name)
    y = layer(x)
    layer.set_weights([kernel, bias])
    return y
