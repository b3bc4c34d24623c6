"""Reading a .tflite graph: operations, names, cost, and what it does to its input."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from faceage_edge.errors import ModelFileError
from faceage_edge.flatbuffer import read_model_file
from faceage_models.tflite_cost import graph_cost
from faceage_models.tflite_export import to_tflite
from faceage_models.tflite_graph import load_graph, operator_names, save_graph, scales_its_input


@pytest.fixture
def network(keras: Any) -> Any:
    """3x3 convolution to 4 channels (normalised, ReLU), 3x3 depthwise of stride 2, dense to 5."""
    layers = keras.layers
    # Biases of zero would become one constant that the layers share.
    some = {"bias_initializer": "normal"}
    return keras.Sequential(
        [
            keras.Input((16, 16, 3), batch_size=2),
            layers.Conv2D(4, 3, padding="same", use_bias=False, name="conv1"),
            layers.BatchNormalization(name="conv1_bn", beta_initializer="normal"),
            layers.ReLU(6.0, name="conv1_relu"),
            layers.DepthwiseConv2D(3, strides=2, padding="same", name="thin", **some),
            layers.GlobalAveragePooling2D(name="pool"),
            layers.Dense(5, name="out", **some),
        ],
        name="net",
    )


def test_cost_counts_multiply_adds_and_parameters(network: Any) -> None:
    """Counted by hand for a batch of 2; the normalisation is inside the convolution."""
    cost = graph_cost(to_tflite(network))
    assert cost.multiply_adds == 2 * (16 * 16 * 4 * 9 * 3 + 8 * 8 * 4 * 9 + 4 * 5)
    assert cost.parameters == (4 * 27 + 4) + (4 * 9 + 4) + (4 * 5 + 5)
    assert cost.operations == {
        "CONV_2D": 1,
        "DEPTHWISE_CONV_2D": 1,
        "FULLY_CONNECTED": 1,
        "MEAN": 1,
    }


def test_tensors_are_named_after_layers(network: Any) -> None:
    """Results carry the layer's name, constants the name of the result they serve."""
    data = to_tflite(network)
    assert operator_names(data) == ["CONV_2D", "DEPTHWISE_CONV_2D", "MEAN", "FULLY_CONNECTED"]
    names = {tensor.name for tensor in read_model_file(data, "test").tensors}
    results = {"conv1_relu", "thin", "pool", "out"}
    constants = {f"{name}/{role}" for name in results - {"pool"} for role in ("weights", "bias")}
    assert names == {"input", "pool/weights"} | results | constants


@pytest.mark.parametrize(
    ("layer", "scales"),
    [("Rescaling", True), ("Conv2D", False)],
    ids=["a rescaling on its own", "a convolution"],
)
def test_scaling_of_the_input_is_seen(keras: Any, layer: str, scales: bool) -> None:
    """A multiplication right behind the input shows in the graph."""
    layers = keras.layers
    first = layers.Rescaling(1 / 255) if layer == "Rescaling" else layers.Conv2D(3, 3)
    model = keras.Sequential([keras.Input((8, 8, 3)), first, layers.MaxPooling2D()])
    assert scales_its_input(to_tflite(model)) is scales


def test_damaged_file_is_refused(network: Any) -> None:
    """Half a file is an error of ours, not of the flatbuffer library."""
    data = to_tflite(network)
    with pytest.raises(ModelFileError, match=r"half\.tflite is damaged or cut short"):
        load_graph(data[: len(data) // 2], "half.tflite")


def test_a_graph_that_leaves_out_its_operators_costs_nothing(repo_root: Path) -> None:
    """The schema lets a file omit the list; a spoiled one did, under the fuzzer."""
    model = load_graph((repo_root / "models/mtcnn/mtcnn-rnet.float32.tflite").read_bytes())
    model.subgraphs[0].operators = None
    data = save_graph(model)
    assert load_graph(data).subgraphs[0].operators == []
    assert graph_cost(data).multiply_adds == 0


def test_alike_zero_points_are_written_once(repo_root: Path) -> None:
    """A shipped int8 file, each tensor's zero points written apart and once: the same graph, less
    than nine tenths of the bytes."""
    path = repo_root / "models" / "age-tiny" / "age-tiny.int8.tflite"
    model = load_graph(path.read_bytes())
    once = save_graph(model)
    for number, tensor in enumerate(model.subgraphs[0].tensors):
        if tensor.quantization is not None and tensor.quantization.zeroPoint is not None:
            # Another number in each: nothing is alike.
            tensor.quantization.zeroPoint = tensor.quantization.zeroPoint + 1 + number
    assert len(once) < 0.92 * len(save_graph(model))
    for tensor, again in zip(
        load_graph(path.read_bytes()).subgraphs[0].tensors,
        load_graph(once).subgraphs[0].tensors,
        strict=True,
    ):
        before, after = (one.quantization and one.quantization.zeroPoint for one in (tensor, again))
        np.testing.assert_array_equal(before, after)
