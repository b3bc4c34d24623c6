"""Weights go up or down by what that does to a layer's result."""

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from faceage_calibration.inputs import model_inputs
from faceage_calibration.ranges import record_activations
from faceage_convert.embed import without_contract
from faceage_convert.fitted_rounding import chosen_ways, fit_rounding, with_rounding
from faceage_convert.import_float import import_float
from faceage_convert.layer_moments import Moments, record_moments
from faceage_convert.quantize import quantize_model
from faceage_convert.weighted_layers import (
    float_values,
    int8_scales,
    int8_weights,
    layers_of,
)
from faceage_edge.errors import FacesError
from faceage_edge.interpreter import open_interpreter
from faceage_models.float_source import shipped_float
from faceage_models.specification import Hints
from faceage_models.tflite_graph import load_graph

Floats = npt.NDArray[np.float64]
Crops = npt.NDArray[np.uint8]


@pytest.fixture(scope="module")
def parts(face_crops: Crops) -> dict[str, Any]:
    """The smallest shipped age model without its contract, its int8 file by rounding to nearest,
    and the moments of its layers on six faces."""
    source = shipped_float("age-tiny")
    bare = without_contract(source.data)
    inputs = list(model_inputs(source.contract.input, face_crops[:6, 16:112, 16:112]))
    ranges = record_activations(bare, inputs).ranges
    nearest = quantize_model(bare, ranges, source.contract, "m")
    moments = record_moments(bare, inputs, "m")
    rounding = fit_rounding(bare, nearest, moments, "m")
    again = with_rounding(bare, nearest, rounding, "m")
    return {
        "bare": bare, "inputs": inputs, "nearest": nearest, "moments": moments,
        "rounding": rounding, "fitted": quantize_model(again, ranges, source.contract, "m"),
    }  # fmt: skip


def by_output(values: Floats, moments: Moments) -> Floats:
    """Weights as the moments have the inputs: one group, or one for each channel of the input."""
    if len(moments.mean) > 1:
        places = values.shape[1] * values.shape[2]
        return values.reshape(places, len(moments.mean), -1).transpose(1, 2, 0)
    return values.reshape(1, len(values), -1)


def power(error: Floats, covariance: Floats) -> float:
    """What an error of the weights adds to the results on average, squared and summed."""
    return float(np.einsum("goi,gij,goj->", error, covariance, error))


def errors(bare: bytes, int8: bytes, moments: dict[str, Moments]) -> dict[str, float]:
    """What the rounded weights of each layer add to its result."""
    tree = load_graph(bare)
    exact = {
        layer.name: values
        for layer in layers_of(tree)
        if (values := float_values(tree, layer.weights)) is not None
    }
    rounded = int8_weights(load_graph(int8))
    return {
        name: power(by_output(rounded[name] - exact[name], one), one.covariance)
        for name, one in moments.items()
    }


def test_every_layer_errs_less(parts: dict[str, Any]) -> None:
    """Than by rounding to nearest; all of them, the dense one too, are fitted."""
    names = {layer.name for layer in layers_of(load_graph(parts["bare"]))}
    assert names == parts["rounding"].keys() == parts["moments"].keys()
    before, after = (
        errors(parts["bare"], parts[key], parts["moments"]) for key in ("nearest", "fitted")
    )
    assert all(after[name] < before[name] for name in names)


def test_only_neighbours_are_taken(parts: dict[str, Any]) -> None:
    """No weight lies a step or more from what it was, and the largest stays where it is."""
    scales = int8_scales(load_graph(parts["nearest"]))
    after = int8_weights(load_graph(parts["fitted"]))
    tree = load_graph(parts["bare"])
    for layer in layers_of(tree):
        exact = float_values(tree, layer.weights)
        assert exact is not None
        assert (np.abs(after[layer.name] - exact) < 1.001 * scales[layer.name]).all()
        steps = np.round(after[layer.name] / scales[layer.name])
        assert np.abs(steps).max() == 127


def test_scales_stay(parts: dict[str, Any]) -> None:
    """Weights on their steps have the same largest one, so that nothing else is rounded anew."""
    before, after = (int8_scales(load_graph(parts[key])) for key in ("nearest", "fitted"))
    for name, scale in before.items():
        assert after[name] == pytest.approx(scale, rel=1e-6)


@pytest.mark.parametrize("seed", range(5))
def test_near_the_best_there_is(seed: int) -> None:
    """Of 2^8 ways to round eight weights whose inputs go together, one is found that leaves at
    most a third of what the best one saves."""
    random = np.random.default_rng(seed)
    mixed = random.normal(size=(8, 8))
    covariance = mixed @ mixed.T
    steps = random.uniform(-100, 100, 8)
    up = chosen_ways(steps.reshape(1, 1, 8), covariance[None])[0, 0]
    damped = covariance + 0.01 * np.trace(covariance) / 8 * np.eye(8)

    def cost(way: npt.ArrayLike) -> float:
        error = np.where(np.asarray(way), np.ceil(steps), np.floor(steps)) - steps
        return float(error @ damped @ error)

    best = min(map(cost, itertools.product([False, True], repeat=8)))
    nearest = cost(np.round(steps) > steps)
    assert best <= cost(up) <= nearest
    assert cost(up) - best <= (nearest - best) / 3


def test_moments_by_plain_loops(parts: dict[str, Any]) -> None:
    """Of a layer of each kind, from the tensor it reads and zeros around it, as TensorFlow pads."""
    tree = load_graph(parts["bare"])
    # The first convolution (stride 2), a depthwise one with stride 2, one without, and the head.
    for place in (0, 3, 2, -1):
        layer = list(layers_of(tree))[place]
        seen = [activation(parts["bare"], x, layer) for x in parts["inputs"][:2]]
        expected = [np.concatenate(rows) for rows in zip(*map(looks_of(layer), seen), strict=True)]
        found = record_moments(parts["bare"], parts["inputs"][:2], "m")[layer.name]
        assert len(found.mean) == len(expected)
        for group, rows in enumerate(expected):
            assert found.mean[group] == pytest.approx(rows.mean(axis=0), rel=1e-4, abs=1e-5)
            spread = np.cov(rows.T, bias=True)
            assert found.covariance[group] == pytest.approx(spread, rel=1e-3, abs=1e-4)


def activation(data: bytes, value: Any, layer: Any) -> Floats:
    """What a layer reads of one face."""
    interpreter = open_interpreter(data, "m", xnnpack=False, preserve_all=True)
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], value)
    interpreter.invoke()
    return np.array(interpreter.get_tensor(int(layer.operator.inputs[0])), np.float64)


def looks_of(layer: Any) -> Any:
    """A function from a tensor to rows of what the weights meet, for each group of them."""

    def looks(seen: Floats) -> list[Floats]:
        if layer.kind == "FULLY_CONNECTED":
            return [seen]
        height, width = (int(side) for side in layer.weights.shape[1:3])
        stride = layer.operator.builtinOptions.strideH
        side = seen.shape[1]
        missing = max((-(-side // stride) - 1) * stride + height - side, 0)
        padded = np.zeros((side + missing, side + missing, seen.shape[3]))
        before = missing // 2
        padded[before : before + side, before : before + side] = seen[0]
        places = range(0, side, stride)
        rows = np.array([padded[y : y + height, x : x + width] for y in places for x in places])
        if layer.kind == "DEPTHWISE_CONV_2D":
            return [rows[..., c].reshape(len(rows), -1) for c in range(rows.shape[3])]
        return [rows.reshape(len(rows), -1)]

    return looks


def test_rounding_of_another_model(parts: dict[str, Any]) -> None:
    """Weights that are not there, or of another number, are named."""
    name = min(parts["rounding"])
    for wrong in ({"others": b"\0"}, {name: parts["rounding"][name] + b"\0\0"}):
        with pytest.raises(FacesError, match="is not of this model's weights"):
            with_rounding(parts["bare"], parts["nearest"], wrong, "m")


def test_filters_by_the_several(face_crops: Crops, tmp_path: Path) -> None:
    """Depthwise layers with two filters a channel, dilated ones, and dense ones behind a map: each
    errs less in its own result."""
    pytest.importorskip("tensorflow", reason="needs TensorFlow: pip install '.[train]'")
    from faceage_models.frameworks import import_keras
    from faceage_models.tflite_export import to_tflite

    keras = import_keras()
    keras.utils.set_random_seed(3)
    layers = keras.layers
    inputs = keras.Input((20, 20, 3))
    x = layers.Conv2D(6, 3, strides=2, activation="relu", padding="same")(inputs)
    x = layers.DepthwiseConv2D(3, depth_multiplier=2, activation="relu6")(x)
    x = layers.Conv2D(8, 3, dilation_rate=2, activation="relu")(x)
    path = tmp_path / "several.tflite"
    path.write_bytes(to_tflite(keras.Model(inputs, layers.Dense(1)(layers.Flatten()(x)))))
    source = import_float(path, Hints(head="regression", normalise="signed-128", colour="RGB"))
    bare = without_contract(source.data)
    pictures = list(model_inputs(source.contract.input, face_crops[:, 40:60, 40:60]))
    ranges = record_activations(bare, pictures).ranges
    nearest = quantize_model(bare, ranges, source.contract, "m")
    moments = record_moments(bare, pictures, "m")
    fitted = with_rounding(bare, nearest, fit_rounding(bare, nearest, moments, "m"), "m")
    after = errors(bare, quantize_model(fitted, ranges, source.contract, "m"), moments)
    before = errors(bare, nearest, moments)
    assert len(before) == 4
    assert all(after[name] < before[name] for name in before)
