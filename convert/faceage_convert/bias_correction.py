"""Take out of the biases what rounding the weights adds on average.

Rounded weights W + e turn an input x into W x + e x. The mean of e x over faces is known from the
mean of x, and subtracting it from the bias leaves the rounding's noise without its shift (Nagel,
van Baalen, Blankevoort, Welling, "Data-free quantization through weight equalization and bias
correction", ICCV 2019, section 4.2). On the pilot age model the shift was half a year.
"""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from faceage_convert.weighted_layers import float_values, int8_weights, layers_of, set_floats
from faceage_models.tflite_graph import load_graph, save_graph, tensor_name

__all__ = ["correct_biases"]

Floats = npt.NDArray[np.float64]


def correct_biases(
    model: bytes, quantized: bytes, means: Mapping[str, tuple[float, ...]], where: str
) -> bytes:
    """Change a float model's biases so that its quantized file's layers have the float means.

    Padding counts as if it held the mean too, which overstates the correction at a picture's edge.

    Args:
        model: a float .tflite file.
        quantized: the int8 file made of it, whose weights are read back.
        means: the mean of every channel of the inputs of its weighted layers, by tensor name.
        where: the model's name, for messages.

    Returns:
        The float file to quantize instead; layers without a bias, or whose means are not known,
        are as they were.
    """
    tree = load_graph(model, where)
    rounded = int8_weights(load_graph(quantized, where))
    for layer in layers_of(tree):
        mean = means.get(tensor_name(layer.picture))
        after = rounded.get(layer.name)
        exact = float_values(tree, layer.weights)
        offsets = None if layer.bias is None else float_values(tree, layer.bias)
        if mean is None or after is None or exact is None or offsets is None:
            continue
        shift = _mean_shift(after - exact, np.array(mean), layer.kind)
        set_floats(tree, layer.bias, offsets - shift)
    return save_graph(tree)


def _mean_shift(error: Floats, mean: Floats, kind: str) -> Floats:
    """What weights that are off by `error` add to each output channel on an average input."""
    if kind == "DEPTHWISE_CONV_2D":
        # One filter an input channel, or several: channel o of the output belongs to o // several.
        several = error.shape[3] // len(mean)
        return np.asarray(error.sum(axis=(0, 1, 2)) * np.repeat(mean, several))
    by_input = error.reshape(len(error), -1, error.shape[-1]).sum(axis=1)
    # A dense layer may read a flattened map: its inputs then repeat the channels.
    return np.asarray(by_input @ np.resize(mean, by_input.shape[1]))
