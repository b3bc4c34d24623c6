"""Edits of a .tflite keep its numbers to the bit."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from faceage_edge.errors import ModelFileError
from faceage_edge.flatbuffer import read_model_file
from faceage_models.tflite_edit import (
    drop_final_activations,
    remove_unused,
    rename_by_signature,
    rename_tensors,
)
from faceage_models.tflite_export import to_tflite
from faceage_models.tflite_graph import load_graph, operator_names, save_graph

Invoke = Callable[[bytes, Any], dict[str, Any]]


@pytest.fixture
def classifier(small_classifier: Any) -> bytes:
    """A float .tflite of one output "ages", a softmax over 101 classes."""
    return to_tflite(small_classifier)


@pytest.fixture
def pixels() -> Any:
    """Two hundred and fifty-six grey levels as a picture: float32 (1, 32, 32, 3), 0 to 255."""
    ramp = np.arange(32 * 32 * 3, dtype=np.float32) % 256
    return ramp.reshape(1, 32, 32, 3)


def test_packing_keeps_the_model(classifier: bytes, pixels: Any, invoke: Invoke) -> None:
    """Unpacked and packed again, the outputs are the same to the bit."""
    packed = save_graph(load_graph(classifier))
    assert (invoke(packed, pixels)["ages"] == invoke(classifier, pixels)["ages"]).all()


@pytest.mark.parametrize("old", ["ages", (1, 101)], ids=["by name", "by shape"])
def test_rename(old: Any, classifier: bytes, pixels: Any, invoke: Invoke) -> None:
    """An output is found by name or shape, and carries the new name afterwards."""
    renamed = rename_tensors(classifier, inputs={"input": "face"}, outputs={old: "classes"})
    graph = read_model_file(renamed, "test")
    assert [t.name for t in (*graph.inputs, *graph.outputs)] == ["face", "classes"]
    assert (invoke(renamed, pixels)["classes"] == invoke(classifier, pixels)["ages"]).all()


@pytest.mark.parametrize("old", ["age", (1, 7)], ids=["no such name", "no such shape"])
def test_rename_refuses_what_is_not_there(old: Any, classifier: bytes) -> None:
    """The message lists the outputs that there are."""
    with pytest.raises(ModelFileError, match=r"fits 0 of the tensors \['ages'\] \(1, 101\)"):
        rename_tensors(classifier, outputs={old: "classes"})


def test_rename_by_signature_needs_one(classifier: bytes) -> None:
    """Our exports carry names on their tensors and no signature."""
    with pytest.raises(ModelFileError, match="no signature"):
        rename_by_signature(classifier)


def test_dropped_softmax_leaves_logits(classifier: bytes, pixels: Any, invoke: Invoke) -> None:
    """The output keeps its name; its softmax is what the model returned before."""
    logits, changed = drop_final_activations(classifier)
    assert changed == ("ages",)
    assert "SOFTMAX" not in operator_names(logits)
    powers = np.exp(invoke(logits, pixels)["ages"].astype(np.float64))
    np.testing.assert_allclose(powers / powers.sum(), invoke(classifier, pixels)["ages"], atol=1e-6)


def test_dropped_sigmoid_leaves_the_logit(keras: Any, pixels: Any, invoke: Invoke) -> None:
    """A LOGISTIC on an output goes as a SOFTMAX does; other outputs are untouched."""
    picture = keras.Input((32, 32, 3))
    pooled = keras.layers.GlobalAveragePooling2D()(picture)
    sure = keras.layers.Dense(1, activation="sigmoid", name="sure")(pooled)
    years = keras.layers.Dense(1, name="years")(pooled)
    before = to_tflite(keras.Model(picture, [sure, years]))
    after, changed = drop_final_activations(before)
    small = pixels / 1000
    old, new = invoke(before, small), invoke(after, small)
    assert changed == ("sure",)
    np.testing.assert_allclose(1 / (1 + np.exp(-new["sure"])), old["sure"], atol=1e-6)
    assert (new["years"] == old["years"]).all()


def test_activation_that_is_read_again_stays(keras: Any) -> None:
    """A probability that the graph itself uses cannot go."""
    picture = keras.Input((32, 32, 3))
    pooled = keras.layers.GlobalAveragePooling2D()(picture)
    sure = keras.layers.Dense(3, activation="sigmoid", name="sure")(pooled)
    doubled = keras.layers.Rescaling(2.0, name="doubled")(sure)
    data = to_tflite(keras.Model(picture, [sure, doubled]))
    assert drop_final_activations(data) == (data, ())


def test_remove_unused_keeps_outputs_and_metadata(
    classifier: bytes, pixels: Any, invoke: Invoke
) -> None:
    """A tensor that nothing reads goes with its buffer; metadata keeps its own."""
    from ai_edge_litert import schema_py_generated as schema

    model = load_graph(classifier)
    for content, is_tensor in ((b"x" * 4000, True), (b"kept", False)):
        buffer = schema.BufferT()
        buffer.data = np.frombuffer(content, np.uint8)
        model.buffers.append(buffer)
        owner = schema.TensorT() if is_tensor else schema.MetadataT()
        owner.name, owner.buffer = "extra", len(model.buffers) - 1
        if is_tensor:
            owner.shape = np.array([1000], np.int32)
            model.subgraphs[0].tensors.append(owner)
        else:
            model.metadata = [owner]
    swollen = save_graph(model)
    cleaned = remove_unused(swollen)
    start, length = read_model_file(cleaned, "test").metadata["extra"]
    assert cleaned[start : start + length] == b"kept"
    assert len(cleaned) < len(swollen) - 4000
    assert (invoke(cleaned, pixels)["ages"] == invoke(classifier, pixels)["ages"]).all()
