"""Planted faults: what the ladder finds, recovers and refuses."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from faceage_calibration.inputs import model_inputs
from faceage_calibration.ranges import Calibration, Ranges, record_activations
from faceage_convert.conversion import Converted, to_quantized
from faceage_convert.gate import Limits, Verdict, judge
from faceage_convert.golden_outputs import with_golden
from faceage_convert.ladder import REFINED, Attempt, climb
from faceage_convert.layers import LayerNoise, layer_noise, layers_around
from faceage_convert.recipes import INT8, Recipe
from faceage_convert.runnable import runnable
from faceage_edge.age import AgeModel
from faceage_edge.errors import QualityGateError
from faceage_edge.flatbuffer import read_model_file
from faceage_edge.model import load_model_bytes
from faceage_models.float_source import SHIPPED_AGE, FloatSource, shipped_float
from faceage_models.tflite_graph import tensor_name

Crops = npt.NDArray[np.uint8]
# The layer whose channel is blown up: its result feeds one convolution, as every depthwise one's.
LAYER, READER = "conv_dw_5_relu", "conv_pw_5_relu"


def _with_outlier(edited: Callable[..., bytes], data: bytes, times: float) -> bytes:
    """Blow one channel up and divide it again in the next layer: the same function in float."""

    def change(tree: Any) -> None:
        graph = tree.subgraphs[0]
        by_result = {tensor_name(graph.tensors[op.outputs[0]]): op for op in graph.operators}
        for name, part, factor in ((LAYER, 1, times), (LAYER, 2, times), (READER, 1, 1 / times)):
            tensor = graph.tensors[by_result[name].inputs[part]]
            values = np.frombuffer(bytes(tree.buffers[tensor.buffer].data), np.float32)
            shaped = values.reshape(tensor.shape).copy()
            shaped[..., 3] *= factor
            tree.buffers[tensor.buffer].data = shaped.reshape(-1).view(np.uint8)
        # RELU of the schema: a cut at 6 would not let the channel through.
        by_result[LAYER].builtinOptions.fusedActivationFunction = 1

    return edited(data, change)


@pytest.fixture(scope="module")
def few(face_crops: Crops) -> Crops:
    """A dozen faces, every second one of those drawn."""
    return face_crops[::2]


@pytest.fixture(scope="module")
def outlier(edited: Callable[..., bytes], bare_float: bytes) -> FloatSource:
    """The shipped age model with one channel 400 times as large as it was."""
    shipped = shipped_float(SHIPPED_AGE)
    data = _with_outlier(edited, bare_float, 400.0)
    data, contract = with_golden(data, replace(shipped.contract, interval=None), "outlier")
    return FloatSource(data, contract, Path("outlier.tflite"))


def _ranges(source: FloatSource, crops: Crops) -> Ranges:
    inputs = model_inputs(source.contract.input, crops)
    seen = record_activations(source.data, inputs, where="m")
    calibration = Calibration(len(crops), "0", ())
    digest, means, peaks = source.contract.model_digest, seen.means, seen.peaks
    return Ranges(digest, seen.ranges, calibration, means, peaks=peaks)


def _attempts(
    source: FloatSource, ranges: Ranges, crops: Crops, tried: list[str]
) -> Callable[[Recipe], Attempt]:
    """Judge by how far ages move from the float model's own, as if those were the true ones."""
    before = AgeModel(load_model_bytes(source.data, source.path)).estimate(crops).years

    def attempt(recipe: Recipe) -> Attempt:
        made = to_quantized(source, ranges, recipe)
        tried.append(made.contract.scheme)
        after = runnable(made).estimate(crops).years
        many = np.tile(np.abs(after - before), 10)
        verdict = judge(np.zeros_like(many), many, [3] * len(many), Limits(drop=0.5))
        return Attempt(made, after, None, verdict)

    return attempt


def _noise(source: FloatSource, crops: Crops) -> Callable[[Converted], tuple[LayerNoise, ...]]:
    return lambda made: layer_noise(
        (source.data, source.contract), (made.data, made.contract), crops[:2], "m"
    )


@pytest.mark.slow
def test_outlier_channel_is_found_and_recovered(outlier: FloatSource, face_crops: Crops) -> None:
    """int8 fails, the layer is named as the noisiest, and kept finer it gives the ages back."""
    ranges = _ranges(outlier, face_crops)
    tried: list[str] = []
    attempt = _attempts(outlier, ranges, face_crops, tried)
    climbed = climb(outlier, INT8, "cpu", attempt, _noise(outlier, face_crops))
    worst = max(climbed.noise, key=lambda layer: layer.added)
    assert worst.name == LAYER
    first, second = climbed.rungs[:2]
    assert first.verdict is not None and first.verdict.verdict == "fail"
    assert {LAYER, READER} <= set(second.kept)
    assert climbed.attempt.verdict is not None
    assert climbed.attempt.verdict.verdict == "pass"
    assert tried[0] == "int8"
    assert tried[1] == f"int8-with-{len(second.kept)}-float32"
    assert climbed.attempt.converted.file_name.startswith("age-mobilenet-coral.int8-with-")


@pytest.mark.slow
def test_coral_gets_no_other_rung(outlier: FloatSource, face_crops: Crops) -> None:
    """What the Edge TPU cannot run is not tried; the message says why."""
    ranges, tried = _ranges(outlier, face_crops), list[str]()
    attempt = _attempts(outlier, ranges, face_crops, tried)
    with pytest.raises(QualityGateError) as caught:
        climb(outlier, INT8, "coral", attempt, _noise(outlier, face_crops))
    assert tried == ["int8"]
    assert "int16x8: the Edge TPU runs int8 only" in str(caught.value)
    assert caught.value.exit_code == 3


@pytest.mark.slow
def test_sabotaged_calibration_fails(face_crops: Crops) -> None:
    """Half the ranges cut every face's activations; every rung in integers fails."""
    source = shipped_float(SHIPPED_AGE)
    seen, tried = _ranges(source, face_crops), list[str]()
    halves = {name: (low / 2, high / 2) for name, (low, high) in seen.tensors.items()}
    ranges = replace(seen, tensors=halves)
    attempt = _attempts(source, ranges, face_crops, tried)
    with pytest.raises(QualityGateError, match="Look at the calibration faces first"):
        climb(source, INT8, "cpu", attempt, _noise(source, face_crops))
    assert tried[0] == "int8"
    assert tried[-1] == "int16x8"
    assert len(tried) == 4


def test_refined_rungs_come_first() -> None:
    """int8 is refined before anything is kept finer, also for a Coral; what was asked for is not
    tried again, and the rung that passes says how it was made."""
    source = shipped_float(SHIPPED_AGE)
    ranges = _ranges(source, np.zeros((1, 128, 128, 3), np.uint8))
    made = to_quantized(source, ranges)
    for first, target, expected in (
        ((), "cpu", [(), ("equalise",), ("equalise", "round")]),
        (("equalise",), "coral", [("equalise",), ("equalise", "round")]),
        (("round",), "cpu", [("round",), ("equalise",), ("equalise", "round")]),
    ):
        tried: list[tuple[str, ...]] = []

        def attempt(recipe: Recipe, tried: list[tuple[str, ...]] = tried) -> Attempt:
            tried.append(recipe.refine)
            passes = recipe.refine == ("equalise", "round")
            verdict = Verdict("pass" if passes else "fail", "", Limits(), 0.0, (0.0, 0.0), ())
            return Attempt(made, verdict=verdict)

        recipe = Recipe(refine=first)
        climbed = climb(source, recipe, target, attempt, lambda _: (), REFINED)
        assert tried == expected == [rung.refine for rung in climbed.rungs]
        assert climbed.recipe == Recipe(refine=("equalise", "round"))


@pytest.mark.slow
def test_an_outlier_is_equalised(outlier: FloatSource, few: Crops) -> None:
    """A channel 400 times as large as the others costs int8 nothing once they are equalised."""
    ranges, tried = _ranges(outlier, few), list[str]()
    attempt = _attempts(outlier, ranges, few, tried)
    climbed = climb(outlier, INT8, "coral", attempt, lambda _: (), (("equalise",),))
    assert tried == ["int8", "int8"]
    assert climbed.attempt.converted.contract.provenance["refined"] == ["equalise"]
    assert climbed.attempt.verdict is not None and climbed.attempt.verdict.verdict == "pass"


def test_good_conversion_stops_at_int8(face_crops: Crops) -> None:
    """The first rung that is not failed is taken, with its cost on this machine."""
    source = shipped_float(SHIPPED_AGE)
    ranges, tried = _ranges(source, face_crops), list[str]()
    attempt = _attempts(source, ranges, face_crops, tried)
    climbed = climb(source, INT8, "cpu", attempt, _noise(source, face_crops))
    assert tried == ["int8"]
    (rung,) = climbed.rungs
    assert rung.scheme == "int8"
    assert rung.left_out == 0
    assert rung.milliseconds is not None and rung.milliseconds > 0


OTHERS = ["int8-float-io", "int16x8", "dynamic", "float16"]


@pytest.mark.parametrize("scheme", OTHERS)
def test_other_schemes_have_one_rung(scheme: str) -> None:
    """A scheme that was asked for is judged as it is."""
    source = shipped_float(SHIPPED_AGE)
    ranges = _ranges(source, np.zeros((1, 128, 128, 3), np.uint8))
    made = to_quantized(source, ranges, Recipe(scheme))
    verdict = Verdict("fail", "planted", Limits(), 9.0, (8.0, 10.0), ())
    with pytest.raises(QualityGateError, match=f"{scheme}: planted"):
        climb(source, Recipe(scheme), "cpu", lambda _: Attempt(made, verdict=verdict), lambda _: ())


def test_layers_around_a_tensor(age_float_bytes: bytes) -> None:
    """The layer that makes it and those that read it, in order."""
    model = read_model_file(age_float_bytes, "m")
    assert layers_around(model, [LAYER]) == (LAYER, READER)
