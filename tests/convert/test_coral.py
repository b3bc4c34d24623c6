"""What the preflight says of files for the Edge TPU, known good and made bad."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from faceage_convert.coral import ON_CHIP_BYTES, preflight
from faceage_convert.preflight_command import preflight_main
from faceage_edge.flatbuffer import read_model_file
from faceage_edge.operators import EDGE_TPU, operator_names
from faceage_models.tflite_graph import operator_name


@pytest.fixture(scope="session")
def int8_bytes(shipped: Any) -> bytes:
    """The shipped int8 age model's file."""
    return bytes(shipped.age_int8.read_bytes())


def test_shipped_age_model_is_mapped_whole(int8_bytes: bytes) -> None:
    """All 29 operators, in a quarter of the chip."""
    found = preflight(int8_bytes, "age")
    assert found.first_on_cpu is None
    assert found.mapped == len(found.rows) == 29
    # 1,885,252 numbers, of which 4,516 are biases of four bytes each.
    assert 1_885_252 < found.bytes_on_chip < ON_CHIP_BYTES / 4


def test_compiled_pair(shared_data: Path) -> None:
    """The preflight of Google's file says what its compiler did: all of it in one piece."""
    coral = shared_data / "third_party" / "coral"
    name = "mobilenet_v1_0.25_128_quant"
    before = preflight((coral / f"{name}.tflite").read_bytes(), name)
    compiled = read_model_file((coral / f"{name}_edgetpu.tflite").read_bytes(), name)
    assert before.first_on_cpu is None
    assert operator_names(compiled) == (EDGE_TPU,)
    # The compiled file holds these weights, padded, and the chip's program.
    assert before.bytes_on_chip < (coral / f"{name}_edgetpu.tflite").stat().st_size


def test_compiled_file_with_a_rest(shared_data: Path) -> None:
    """Of a compiled file, what is left outside the chip's operator runs on the CPU."""
    path = shared_data / "third_party" / "coral" / "face-detector-quantized_edgetpu.tflite"
    found = preflight(path.read_bytes(), "face")
    assert [row.status for row in found.rows] == ["edge-tpu", "cpu", "cpu"]
    assert found.first_on_cpu == 1


def _operator(tree: Any, kind: str) -> Any:
    return next(op for op in tree.subgraphs[0].operators if operator_name(tree, op) == kind)


def _new_version(tree: Any) -> None:
    tree.operatorCodes[_operator(tree, "FULLY_CONNECTED").opcodeIndex].version = 12


def _dense_per_channel(tree: Any) -> None:
    graph = tree.subgraphs[0]
    weights = graph.tensors[_operator(tree, "FULLY_CONNECTED").inputs[1]].quantization
    weights.scale, weights.zeroPoint = np.repeat(weights.scale, 100), np.zeros(100, np.int64)


def _open_side(tree: Any) -> None:
    graph = tree.subgraphs[0]
    graph.tensors[graph.inputs[0]].shape = np.array([1, -1, -1, 3], np.int32)


def _batch(tree: Any) -> None:
    graph = tree.subgraphs[0]
    graph.tensors[graph.inputs[0]].shape = np.array([4, 128, 128, 3], np.int32)


def _floats(tree: Any) -> None:
    graph = tree.subgraphs[0]
    graph.tensors[graph.outputs[0]].type = 0


def _unsupported(tree: Any) -> None:
    code = tree.operatorCodes[_operator(tree, "MEAN").opcodeIndex]
    code.builtinCode = code.deprecatedBuiltinCode = 117  # HARD_SWISH of the schema


BAD = [
    (_new_version, 28, "version 12, the compiler of 2021 knows 6", "an operator's version"),
    (_dense_per_channel, 28, "a scale for each channel, expected one for all", "dense"),
    (_open_side, 0, "not known in advance", "dynamic size"),
    (_batch, 0, "more than three sides above 1", "four crops at once"),
    (_floats, 28, "computes in float32", "a float head"),
    (_unsupported, 27, "HARD_SWISH is not among the operators", "unsupported"),
]


@pytest.mark.parametrize(("change", "first", "reason", "note"), BAD, ids=[case[3] for case in BAD])
def test_each_limit(
    int8_bytes: bytes,
    edited: Callable[..., bytes],
    change: Callable[[Any], None],
    first: int,
    reason: str,
    note: str,
) -> None:
    """The first operator that the CPU would run is named with its reason; all behind follow it."""
    found = preflight(edited(int8_bytes, change), "m")
    assert found.first_on_cpu == first
    assert reason in found.rows[first].reason
    assert {row.status for row in found.rows[first:]} == {"cpu"}
    assert {row.status for row in found.rows[:first]} <= {"edge-tpu"}


def test_command(capsys: pytest.CaptureFixture[str], shipped: Any) -> None:
    """Code 0 for what fits; 3 for a float file, with the first operator."""
    assert preflight_main(["age-mobilenet-coral"]) == 0
    assert "bytes on the chip (23%)" in capsys.readouterr().out
    assert preflight_main([str(shipped.age_float), "--json"]) == 3
    assert "from CONV_2D (0) on" in capsys.readouterr().err
