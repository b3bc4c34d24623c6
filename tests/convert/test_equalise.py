"""Scaled channels change no answer, and fill what the fullest one fills."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from faceage_calibration.inputs import model_inputs
from faceage_calibration.ranges import Calibration, Ranges, record_activations
from faceage_convert.embed import without_contract
from faceage_convert.equalise import equalise
from faceage_edge.flatbuffer import read_model_file
from faceage_edge.interpreter import open_interpreter
from faceage_edge.operators import operator_names
from faceage_models.float_source import FloatSource, shipped_float

Crops = npt.NDArray[np.uint8]
# Read by a depthwise layer, and by one that is not.
BEFORE_DEPTHWISE, BEFORE_OTHER = "conv_pw_5_relu", "conv_dw_5_relu"


@pytest.fixture(scope="module")
def source() -> FloatSource:
    """The smallest shipped age model."""
    return shipped_float("age-tiny")


@pytest.fixture(scope="module")
def bare(source: FloatSource) -> bytes:
    """Its file without a contract."""
    return without_contract(source.data)


@pytest.fixture(scope="module")
def inputs(source: FloatSource, face_crops: Crops) -> list[npt.NDArray[np.float32]]:
    """Six faces as it takes them."""
    return list(model_inputs(source.contract.input, face_crops[:6, 16:112, 16:112]))


def recorded(data: bytes, inputs: list[npt.NDArray[np.float32]]) -> Ranges:
    """What the model's tensors hold on these faces."""
    seen = record_activations(data, inputs)
    return Ranges("d", seen.ranges, Calibration(1, "0", ()), seen.means, peaks=seen.peaks)


def answers(data: bytes, inputs: list[npt.NDArray[np.float32]]) -> npt.NDArray[np.float64]:
    """The logits of each face."""
    interpreter = open_interpreter(data, "m")
    found = []
    for value in inputs:
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], value)
        interpreter.invoke()
        found.append(interpreter.get_tensor(interpreter.get_output_details()[0]["index"])[0])
    return np.array(found, np.float64)


def test_the_answers_stay(bare: bytes, inputs: list[npt.NDArray[np.float32]]) -> None:
    """The same operators give the same logits, though ReLU6 ends where it did."""
    scaled, _ = equalise(bare, recorded(bare, inputs), "m")
    assert scaled != bare
    graphs = [read_model_file(data, "m") for data in (bare, scaled)]
    assert operator_names(graphs[0]) == operator_names(graphs[1])
    # Peaks have five digits, and float32 sums of hundreds of products differ in their sixth.
    assert answers(scaled, inputs) == pytest.approx(answers(bare, inputs), abs=2e-3)


def test_ranges_are_those_of_the_scaled_model(
    bare: bytes, inputs: list[npt.NDArray[np.float32]]
) -> None:
    """What is worked out is what recording again would give, and no tensor's range has changed."""
    before = recorded(bare, inputs)
    scaled, ranges = equalise(bare, before, "m")
    again = recorded(scaled, inputs)
    for name, pair in again.tensors.items():
        assert pair == pytest.approx(ranges.tensors[name], rel=1e-3, abs=1e-3), name
    assert ranges.tensors == before.tensors
    for name in again.peaks:
        # Of channels near the fullest, ReLU6 cuts the last digit.
        assert again.peaks[name] == pytest.approx(ranges.peaks[name], rel=2e-3, abs=1e-3), name
        assert again.means[name] == pytest.approx(ranges.means[name], rel=2e-3, abs=1e-3), name


def test_how_far_channels_are_raised(bare: bytes, inputs: list[npt.NDArray[np.float32]]) -> None:
    """To the fullest before any layer; 64 times at most."""
    before = recorded(bare, inputs)
    after = equalise(bare, before, "m")[1]
    for name in (BEFORE_DEPTHWISE, BEFORE_OTHER):
        old, new = (np.array(one.peaks[name]) for one in (before, after))
        seen = old > old.max() / 64
        assert seen.any() and (old[seen] < old.max()).any()
        assert new[seen] == pytest.approx(old.max())
        assert (new[~seen] <= 64 * old[~seen] + 1e-9).all()


def _activation(graph: Any) -> None:
    graph.operators[2].builtinOptions.fusedActivationFunction = 0


def _also_an_output(graph: Any) -> None:
    graph.outputs = [*graph.outputs, graph.operators[2].outputs[0]]


@pytest.mark.parametrize(
    ("change", "note"),
    [
        (_activation, "without a ReLU the ends are not known from peaks"),
        (_also_an_output, "whoever reads the output expects what it was"),
    ],
)
def test_what_is_left(
    change: Callable[[Any], None],
    note: str,
    bare: bytes,
    inputs: list[npt.NDArray[np.float32]],
    edited: Callable[..., bytes],
) -> None:
    """A layer whose channels may not be scaled keeps its weights; the others do not wait for it."""
    model = edited(bare, lambda tree: change(tree.subgraphs[0]))
    ranges = recorded(bare, inputs)
    name = tensor_of(model)
    scaled, after = equalise(model, ranges, "m")
    assert scaled != model, note
    assert after.peaks[name] == ranges.peaks[name]


def tensor_of(model: bytes) -> str:
    """The result of the third operator."""
    graph = read_model_file(model, "m")
    return graph.tensors[graph.operators[2].outputs[0]].name


def test_without_peaks_nothing_is_done(bare: bytes, inputs: list[npt.NDArray[np.float32]]) -> None:
    """Ranges of an earlier kind hold none."""
    ranges = replace(recorded(bare, inputs), peaks={})
    assert equalise(bare, ranges, "m") == (bare, ranges)
