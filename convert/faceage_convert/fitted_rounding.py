"""Round weights up or down so that what a layer gives changes least, not each to the nearest step.

Two errors that a weight's neighbours make together may cancel where the inputs go up and down
together (Nagel, Amjad, van Baalen, Louizos, Blankevoort, "Up or down? Adaptive rounding for
post-training quantization", ICML 2020, arXiv:2004.10568). With e the errors of one output's
weights and C the covariance of its inputs, the result is off by e C e on average, the mean left out
since the bias takes it (`bias_correction`). The authors relax this to gradient descent over
batches; C is small here, and weights are turned one after the other for as long as e C e falls.
"""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from faceage_convert.layer_moments import Moments
from faceage_convert.weighted_layers import float_values, int8_scales, layers_of, set_floats
from faceage_edge.errors import FacesError
from faceage_models.tflite_graph import load_graph, save_graph

__all__ = ["chosen_ways", "fit_rounding", "with_rounding"]

Floats = npt.NDArray[np.float64]
Bits = npt.NDArray[np.bool_]

_SWEEPS = 30  # over all weights of a layer; none has needed more than half of them
# Of the inputs' mean variance, added to each: few faces tell little of what a covariance of
# hundreds of inputs is, and without it rounding learns those faces.
_DAMPING = 0.01
# A weight so near a step, the largest of a channel above all, stays there.
_ON_A_STEP = 1e-3
_MOST_STEPS = 127


def fit_rounding(
    model: bytes, quantized: bytes, moments: Mapping[str, Moments], where: str
) -> dict[str, bytes]:
    """Choose which weights go up to the next int8 step and which down.

    Args:
        model: a float .tflite file.
        quantized: the int8 file made of it, whose scales are kept.
        moments: of the float model's layers, by the name of their weights.
        where: the model's name, for messages.

    Returns:
        By the name of the weights a bit for each, in their order, 1 for up, packed eight to a byte.
    """
    tree = load_graph(model, where)
    scales = int8_scales(load_graph(quantized, where))
    found = {}
    for layer in layers_of(tree):
        exact, known = float_values(tree, layer.weights), moments.get(layer.name)
        if exact is None or known is None or layer.name not in scales:
            continue
        steps = _by_output(exact / scales[layer.name], layer.kind, len(known.mean))
        up = _as_stored(chosen_ways(steps, known.covariance), exact.shape, layer.kind)
        found[layer.name] = np.packbits(up).tobytes()
    return found


def with_rounding(
    model: bytes, quantized: bytes, rounding: Mapping[str, bytes], where: str
) -> bytes:
    """Put a float model's weights on the steps that they were rounded to.

    A quantizer that rounds to nearest then finds nothing left to round.

    Args:
        model: the float .tflite file that the rounding was fitted on; its biases may be others.
        quantized: the int8 file made of it by rounding to nearest.
        rounding: from `fit_rounding`.
        where: the model's name, for messages.

    Raises:
        FacesError: the rounding is of another model.
    """
    tree = load_graph(model, where)
    scales = int8_scales(load_graph(quantized, where))
    missing = set(rounding)
    for layer in layers_of(tree):
        exact = float_values(tree, layer.weights)
        if layer.name not in rounding or layer.name not in scales or exact is None:
            continue
        bits = np.unpackbits(np.frombuffer(rounding[layer.name], np.uint8))
        if not 0 <= len(bits) - exact.size < 8:
            break
        up = bits[: exact.size].reshape(exact.shape).astype(np.bool_)
        set_floats(
            tree, layer.weights, _turned(exact / scales[layer.name], up) * scales[layer.name]
        )
        missing.discard(layer.name)
    if missing:
        raise FacesError(
            f"{where}: the rounding of {min(missing)!r} is not of this model's weights; fit it "
            "again with: faceage-convert --refine equalise round --faces PATH"
        )
    return save_graph(tree)


def _turned(steps: Floats, up: Bits) -> Floats:
    """Whole steps: up or down as told, but where a weight lies on a step already."""
    near = np.round(steps)
    return np.where(_stays(steps), near, np.where(up, np.ceil(steps), np.floor(steps)))


def _stays(steps: Floats) -> Bits:
    on_one = np.abs(steps - np.round(steps)) < _ON_A_STEP
    return np.asarray(on_one | (np.abs(steps) > _MOST_STEPS - 1))


def _by_output(steps: Floats, kind: str, groups: int) -> Floats:
    """Weights as (groups, outputs of each, n), as `Moments` has the inputs."""
    if kind == "DEPTHWISE_CONV_2D":
        # Stored (1, height, width, out), of which each input channel has several in a row.
        places = steps.shape[1] * steps.shape[2]
        return steps.reshape(places, groups, -1).transpose(1, 2, 0)
    return steps.reshape(1, len(steps), -1)


def _as_stored(up: Bits, shape: tuple[int, ...], kind: str) -> Bits:
    """Undo `_by_output`."""
    return (up.transpose(2, 0, 1) if kind == "DEPTHWISE_CONV_2D" else up).reshape(shape)


def chosen_ways(steps: Floats, covariance: Floats) -> Bits:
    """Turn one weight after the other, those of all outputs side by side.

    An output's weights have one scale, which changes nothing in which way is best: all is counted
    in steps.

    Args:
        steps: weights in steps, (groups, outputs, n).
        covariance: of the inputs, (groups, n, n).

    Returns:
        Which go up, like `steps`.
    """
    n = steps.shape[2]
    spread = np.trace(covariance, axis1=1, axis2=2) / n
    damped = covariance + _DAMPING * spread[:, None, None] * np.eye(n)
    stays, error = _stays(steps), np.round(steps) - steps
    slope = error @ damped
    for _ in range(_SWEEPS):
        turned = [_turn(error, slope, damped, j, stays[..., j]) for j in range(n)]
        if not any(turned):
            break
    return np.asarray(error > 0)


def _turn(error: Floats, slope: Floats, damped: Floats, j: int, stays: Bits) -> bool:
    """Turn every output's weight j where that lowers its error; whether any was turned.

    `error` and `slope`, its product with the covariance, are changed in place.
    """
    move = np.where(error[..., j] > 0, -1.0, 1.0)
    gain = 2 * move * slope[..., j] + damped[:, j, j, None]
    move[(gain >= 0) | stays] = 0
    if not move.any():
        return False
    error[..., j] += move
    slope += move[..., None] * damped[:, None, j, :]
    return True
