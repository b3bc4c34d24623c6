"""The first convolution of a network over several columns at once: same numbers, less work.

Kernels for int8 take the channels of one pixel together, in fours to sixteens; a picture has three,
and much of every register stays empty. Pixels side by side lie next to each other in memory: read
as one pixel of more channels, they are convolved to several neighbours of the result at once. The
kernel of the wider convolution holds that of the narrow one once for each, shifted, and noughts.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from faceage_models.keras_backend import training_keras

__all__ = ["join_columns", "joined_kernel"]


def join_columns(network: Any, first: str, columns: int, *, relu: str | None = None) -> Any:
    """Rebuild a network so that its first layer reads several columns at once.

    Args:
        network: a Keras model whose input `(n, height, width, 3)` goes into the 3 x 3 convolution
            `first`: of stride 1 without a border, or of stride 2 with a border of one pixel, height
            and width even.
        first: name of that layer.
        columns: 2 for stride 1, 4 for stride 2. More would cost more where there are no dot
            products (Cortex-A72), since the noughts are multiplied too.
        relu: name of the ReLU behind it, so that it stays one operation with it.

    Returns:
        A Keras model of the same inputs, outputs and numbers.

    Raises:
        MissingExtraError: Keras, or every back end of it, is not installed.
    """
    keras = training_keras()
    layers, layer = keras.layers, network.get_layer(first)
    _, height, width, channels = network.input.shape
    kernel, bias = (np.asarray(weight) for weight in layer.get_weights())
    stride = layer.strides[0]
    pixels = keras.Input(batch_shape=network.input.shape, name=network.input.name)
    x = layers.Reshape((height, width // columns, columns * channels), name="joined")(pixels)
    if stride == 2:
        # Nothing below or to the right: the last window ends at the last pixel.
        x = layers.ZeroPadding2D(((1, 0), (1, 0)), name=f"{first}_border")(x)
    each = columns // stride
    wide = layers.Conv2D(bias.size * each, (3, 2), strides=(stride, 1), name=first)
    x = wide(x)
    wide.set_weights([joined_kernel(kernel, stride, columns), np.tile(bias, each)])
    seen = network.get_layer(relu or first).output
    x = layers.ReLU(name=relu)(x) if relu else x
    x = layers.Reshape(seen.shape[1:], name="parted")(x)
    rest = keras.Model(seen, network.output, name="rest")
    return keras.Model(pixels, rest(x), name=network.name)


def joined_kernel(
    kernel: npt.NDArray[np.float32], stride: int, columns: int
) -> npt.NDArray[np.float32]:
    """Widen a kernel to two blocks of columns.

    Args:
        kernel: float32 (3, 3, c, k).
        stride: 1, the block and the next are seen; or 2, the block before, because of the border
            of one pixel, and the block.
        columns: of one block.

    Returns:
        float32 (3, 2, columns c, k columns / stride): rows, blocks, the channels of a block's
        columns, and those of the neighbours of the result that stand for a block.
    """
    rows, sides, channels, wide = kernel.shape
    each = columns // stride
    blocks = np.zeros((rows, 2 * columns, channels, each, wide), kernel.dtype)
    start = 0 if stride == 1 else columns - 1
    for pixel in range(each):
        first = start + stride * pixel
        blocks[:, first : first + sides, :, pixel] = kernel
    return blocks.reshape(rows, 2, columns * channels, each * wide)
