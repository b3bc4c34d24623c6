"""Every scheme gives a file that is what its name says and that the device runs."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from faceage_calibration.ranges import Ranges, read_ranges
from faceage_convert.conversion import Converted, finish, to_quantized
from faceage_convert.recipes import Recipe
from faceage_convert.schemes import read_scheme
from faceage_edge.age import load_age_model
from faceage_edge.bundles import find
from faceage_edge.errors import FacesError, ModelFileError
from faceage_edge.flatbuffer import read_model_file
from faceage_edge.golden import check_golden
from faceage_edge.loading import load_bundle
from faceage_edge.model import load_model_bytes
from faceage_models.float_source import SHIPPED_AGE, shipped_float
from faceage_models.tflite_graph import tensor_name

Crops = npt.NDArray[np.uint8]

# Scheme, dtypes of input and output, the most that ages may move on average, and why so much.
SCHEMES = [
    ("int8", "int8", "int8", 1.0, "drawn faces move by 0.4 years, photographs by 0.2"),
    ("int8-float-io", "float32", "float32", 1.0, "the same graph between floats"),
    ("int16x8", "int16", "int16", 0.6, "weights alone are rounded"),
    ("dynamic", "float32", "float32", 0.6, "weights, and activations to 8 bits in flight"),
    ("float16", "float32", "float32", 0.2, "eleven bits of each weight stay"),
]


@pytest.fixture(scope="module")
def made(shipped: Any) -> Callable[[str], Converted]:
    """Return a function that converts the shipped age model, once for each scheme."""
    ranges = read_ranges(shipped.age_ranges)
    cache: dict[str, Converted] = {}

    def convert(scheme: str) -> Converted:
        if scheme not in cache:
            cache[scheme] = finish(to_quantized(shipped_float(SHIPPED_AGE), ranges, Recipe(scheme)))
        return cache[scheme]

    return convert


@pytest.mark.parametrize(
    ("scheme", "taken", "given", "moved", "note"), SCHEMES, ids=[case[0] for case in SCHEMES]
)
def test_device_runs_it(
    made: Callable[[str], Converted],
    shipped: Any,
    face_crops: Crops,
    tmp_path: Path,
    scheme: str,
    taken: str,
    given: str,
    moved: float,
    note: str,
) -> None:
    """Name, contract and flatbuffer agree; the device loads it, its self-test passes, ages stay."""
    converted = made(scheme)
    path = tmp_path / converted.file_name
    path.write_bytes(converted.data)
    assert path.name == f"age-mobilenet-coral.{scheme}.tflite"
    assert read_scheme(read_model_file(converted.data, "m")) == scheme
    model = load_age_model(path)
    assert model.contract.scheme == scheme
    assert (model.contract.input.dtype, model.contract.outputs[0].dtype) == (taken, given)
    check_golden(load_model_bytes(converted.data, path), "xnnpack")
    check_golden(load_model_bytes(converted.data, path, xnnpack=False), "builtin")
    crops = face_crops[:8]
    before = load_age_model(shipped.age_float).estimate(crops).years
    assert np.abs(model.estimate(crops).years - before).mean() < moved


def test_golden_tolerance_is_a_step(made: Callable[[str], Converted]) -> None:
    """One quantum in each output's own unit; floats by what their computation can differ."""
    found = {scheme: made(scheme).contract.golden["tolerance"] for scheme, *_ in SCHEMES}
    assert (found["int8"], found["int16x8"], found["float16"]) == (1.0, 1.0, 1e-3)
    # Logits of +-8 in 255 steps are 0.0625 apart; the golden pictures need not reach both ends.
    assert 0.02 < found["int8-float-io"] <= 0.0626
    assert 0.02 < found["dynamic"] < 0.2


def test_weights_behind_int16_have_the_right_axis(made: Callable[[str], Converted]) -> None:
    """int16x8 means int8 weights around zero, a scale for each channel."""
    model = read_model_file(made("int16x8").data, "m")
    for operator in model.operators:
        if operator.code == 3:  # CONV_2D
            weights = model.tensors[operator.inputs[1]]
            assert weights.dtype == "int8"
            assert len(weights.scales) == weights.shape[0]
            assert not any(weights.zero_points)


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["int8-float-io", "dynamic", "float16", "int16x8"])
def test_bundle_runs_on_a_camera(
    convert: Callable[..., Any], astronaut: Any, tmp_path: Path, scheme: str
) -> None:
    """The command's bundle finds the astronaut's face and gives an age near the int8 model's."""
    out = tmp_path / "out"
    run = convert("--quantize", scheme, "--out", out, "--json")
    assert run.code == 0, run.err
    report = json.loads(run.out)
    assert report["files"][0]["scheme"] == scheme
    # A detector looks at every frame, and no XNNPACK kernel runs int16.
    detector = "int8" if scheme == "int16x8" else scheme
    assert {file["scheme"] for file in report["files"][1:]} == {detector}
    models = load_bundle(str(out))
    (face,) = models.detector.detect(astronaut)
    from faceage_edge.crop import align

    crop = align(astronaut, face.landmarks, models.age.template)
    shipped = load_age_model(find("age-mobilenet-coral/age-mobilenet-coral.int8.tflite"))
    expected = shipped.estimate(crop[None]).years[0]
    assert models.age.estimate(crop[None]).years[0] == pytest.approx(expected, abs=1.5)


def test_foreign_model_without_faces(
    convert: Callable[..., Any], write_model: Callable[..., Path], tmp_path: Path
) -> None:
    """Schemes that need no ranges need no faces."""
    out = tmp_path / "out"
    run = convert("--model", write_model(), "--quantize", "float16", "--out", out)
    assert run.code == 0, run.err
    assert (out / "mine.float16.tflite").is_file()
    assert "Not measured" in run.out


def test_ranges_are_asked_for(shipped: Any) -> None:
    """int8 without ranges is refused, and says what to give."""
    with pytest.raises(FacesError, match=r"int8 needs the ranges .* --faces PATH"):
        to_quantized(shipped_float(SHIPPED_AGE), None, Recipe("int8"))


USAGE = [
    (("--target", "coral", "--quantize", "int16x8"), "the Edge TPU runs int8 only", "coral"),
    (("--quantize", "int4"), "invalid choice: 'int4'", "unknown scheme"),
    (("--max-drop", "0.1"), "--max-drop without --model", "nothing is measured"),
    (
        ("--model", "age-mobilenet-coral", "--quantize", "float16", "--max-drop", "0.1"),
        "--max-drop without --faces",
        "no faces",
    ),
    (("--max-drop", "-1"), "expected more than 0", "negative"),
]


@pytest.mark.parametrize(("words", "message", "note"), USAGE, ids=[case[2] for case in USAGE])
def test_usage(
    convert: Callable[..., Any], words: tuple[str, ...], message: str, note: str
) -> None:
    """What contradicts itself is refused before any work."""
    run = convert(*words)
    assert run.code == 2
    assert message in run.err


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("scheme", ["int8", "dynamic", "float16"])
def test_weights_that_are_not_finite(
    edited: Callable[..., bytes], shipped: Any, age_float_bytes: bytes, value: float, scheme: str
) -> None:
    """One such number among a layer's weights is found and named, whatever the outputs show."""
    source = shipped_float(SHIPPED_AGE)

    def spoil(tree: Any) -> None:
        graph = tree.subgraphs[0]
        tensor = graph.tensors[graph.operators[2].inputs[1]]
        assert tensor_name(tensor) == "conv_pw_1_relu/weights"
        data = np.frombuffer(bytes(tree.buffers[tensor.buffer].data), np.float32).copy()
        data[5] = value
        tree.buffers[tensor.buffer].data = data.view(np.uint8)

    from dataclasses import replace

    spoiled = replace(source, data=edited(age_float_bytes, spoil))
    ranges: Ranges = read_ranges(shipped.age_ranges)
    with pytest.raises(ModelFileError, match=r"1 of the \d+ numbers of 'conv_pw_1_relu/weights'"):
        to_quantized(spoiled, ranges, Recipe(scheme))
