"""What rounding adds on average is taken out of the biases."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from faceage_calibration.inputs import model_inputs
from faceage_calibration.ranges import record_activations
from faceage_convert.bias_correction import correct_biases
from faceage_convert.embed import without_contract
from faceage_convert.quantize import quantize_model
from faceage_edge.embedded import read_contract
from faceage_edge.golden import golden_picture
from faceage_edge.interpreter import open_interpreter
from faceage_models.tflite_graph import load_graph, operator_name

Floats = npt.NDArray[np.float64]


@pytest.fixture(scope="module")
def parts(age_float_bytes: bytes) -> dict[str, Any]:
    """The shipped age model without its contract, what its tensors hold, and its int8 file."""
    contract = read_contract(age_float_bytes, "shipped")
    height, width = contract.input.height, contract.input.width
    pictures = [golden_picture(name, height, width) for name in ("noise-1", "noise-2", "face")]
    inputs = list(model_inputs(contract.input, np.stack(pictures)))
    bare = without_contract(age_float_bytes)
    seen = record_activations(bare, inputs)
    ranges, means = seen.ranges, seen.means
    quantized = quantize_model(bare, ranges, contract, "shipped")
    return {"contract": contract, "bare": bare, "ranges": ranges, "means": means} | {
        "inputs": inputs,
        "quantized": quantized,
    }


def first_layer_shift(parts: dict[str, Any], model: bytes) -> Floats:
    """Mean of the first layer's output, int8 file minus float file, by channel; ReLU6 included."""
    int8 = quantize_model(model, parts["ranges"], parts["contract"], "shipped")
    tree = load_graph(parts["bare"])
    name = tree.subgraphs[0].tensors[tree.subgraphs[0].operators[0].outputs[0]].name.decode()
    means = []
    for data in (int8, parts["bare"]):
        interpreter = open_interpreter(data, "shipped", xnnpack=False, preserve_all=True)
        given = interpreter.get_input_details()[0]
        details = next(t for t in interpreter.get_tensor_details() if t["name"] == name)
        seen = []
        for value in parts["inputs"]:
            step, zero = given["quantization"]
            # The int8 input's scale divides the float input exactly: nothing is rounded here.
            fed = value if not step else (np.rint(value / step) + zero).astype(np.int8)
            interpreter.set_tensor(given["index"], fed)
            interpreter.invoke()
            values = interpreter.get_tensor(details["index"]).astype(np.float64)
            scale, point = details["quantization"]
            seen.append(((values - point) * scale if scale else values).mean(axis=(0, 1, 2)))
        means.append(np.mean(seen, axis=0))
    return np.asarray(means[0] - means[1])


def biases(data: bytes) -> dict[str, Floats]:
    """Every weighted layer's bias by the name of its output."""
    tree = load_graph(data)
    graph = tree.subgraphs[0]
    return {
        graph.tensors[op.outputs[0]].name.decode(): np.frombuffer(
            bytes(tree.buffers[graph.tensors[op.inputs[2]].buffer].data), np.float32
        ).astype(np.float64)
        for op in graph.operators
        if operator_name(tree, op) in ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
    }


def test_a_layer_keeps_its_mean(parts: dict[str, Any]) -> None:
    """The first layer's mean output moves away from the float model's less than before."""
    corrected = correct_biases(parts["bare"], parts["quantized"], parts["means"], "shipped")
    before = np.abs(first_layer_shift(parts, parts["bare"])).mean()
    after = np.abs(first_layer_shift(parts, corrected)).mean()
    assert after < before


def test_the_shift_is_the_weights_error_times_the_mean(parts: dict[str, Any]) -> None:
    """Layer by layer, recomputed from the two files with plain loops over their own arrays."""
    corrected = biases(correct_biases(parts["bare"], parts["quantized"], parts["means"], "x"))
    original = biases(parts["bare"])
    exact, rounded = (load_graph(parts[key]) for key in ("bare", "quantized"))
    by_name = {t.name.decode(): t for t in rounded.subgraphs[0].tensors}
    for operator in exact.subgraphs[0].operators[:3]:
        picture, weights = (exact.subgraphs[0].tensors[i] for i in operator.inputs[:2])
        depthwise = operator_name(exact, operator) == "DEPTHWISE_CONV_2D"
        real = np.frombuffer(bytes(exact.buffers[weights.buffer].data), np.float32)
        real = real.reshape(weights.shape).astype(np.float64)
        twin = by_name[weights.name.decode()]
        steps = np.frombuffer(bytes(rounded.buffers[twin.buffer].data), np.int8)
        steps = steps.reshape(weights.shape).astype(np.float64)
        mean = parts["means"][picture.name.decode()]
        output = exact.subgraphs[0].tensors[operator.outputs[0]].name.decode()
        for channel, scale in enumerate(twin.quantization.scale):
            if depthwise:
                error = steps[0, :, :, channel] * scale - real[0, :, :, channel]
                shift = error.sum() * mean[channel]
            else:
                error = steps[channel] * scale - real[channel]
                shift = sum(error[..., i].sum() * mean[i] for i in range(len(mean)))
            moved = original[output][channel] - corrected[output][channel]
            # Both biases are float32: their difference is off by half a step of each.
            step = float(np.spacing(np.float32(abs(original[output][channel]))))
            assert moved == pytest.approx(shift, abs=1e-6 + step)


def test_layers_without_means_stay(parts: dict[str, Any]) -> None:
    """Ranges of an earlier kind hold no means; nothing is corrected then."""
    same = biases(correct_biases(parts["bare"], parts["quantized"], {}, "shipped"))
    for name, values in biases(parts["bare"]).items():
        assert np.array_equal(same[name], values), name
