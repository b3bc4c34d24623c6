"""`faceage-convert --refine`: what it writes, says and refuses."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from faceage_calibration.inputs import model_inputs
from faceage_calibration.ranges import read_ranges, record_activations
from faceage_convert.clipped_ranges import best_share, clip_ranges
from faceage_convert.conversion import to_quantized
from faceage_convert.inspect_command import inspect_main
from faceage_convert.recipes import Recipe
from faceage_edge.bundles import find
from faceage_edge.embedded import read_contract
from faceage_edge.errors import FacesError
from faceage_models.float_source import FloatSource, shipped_float

Convert = Callable[..., Any]
TINY = find("age-tiny/age-tiny.float32.tflite")
BOTH = ("equalise", "round")


def test_a_refined_bundle(
    convert: Convert,
    write_faces: Callable[..., Path],
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Contract, report and inspect say how the file was refined, and the ranges that it leaves make
    the same graph again with no face."""
    out = tmp_path / "out"
    words = ["--faces", write_faces(40), "--count", "20", "--crops", "aligned"]
    # Drawn faces are like no face: what the conversion costs on them says nothing.
    words += ["--max-drop", "50", "--max-band-drop", "90"]
    run = convert("--model", TINY, "--refine", "round", "equalise", *words, "--out", out)
    assert run.code == 0, run.err
    assert "age-tiny.int8.tflite was refined: channels equalised, rounding fitted." in run.out
    report = json.loads((out / "report.json").read_text())
    assert [rung["refine"] for rung in report["rungs"]] == [list(BOTH)]
    assert "| int8, channels equalised, rounding fitted |" in (out / "report.md").read_text()
    # Noise is told against the graph that was quantized: no layer is beyond telling.
    assert min(layer["snr_db"] for layer in report["layers"]) > 10
    data = (out / "age-tiny.int8.tflite").read_bytes()
    contract = read_contract(data, "")
    assert contract.provenance["refined"] == list(BOTH)
    ranges = read_ranges(out / "age-tiny.ranges.json")
    assert ranges.refine == BOTH
    source = FloatSource(TINY.read_bytes(), read_contract(TINY.read_bytes(), ""), TINY)
    again = to_quantized(source, ranges, Recipe(refine=BOTH)).contract
    assert again.provenance["graph_digest"] == contract.provenance["graph_digest"]
    plain = to_quantized(source, ranges).contract
    assert plain.provenance["graph_digest"] != contract.provenance["graph_digest"]
    with pytest.raises(FacesError, match="hold no rounding that was fitted for int8, rounding"):
        to_quantized(source, ranges, Recipe(refine=("round",)))
    capfd.readouterr()
    assert inspect_main([str(out / "age-tiny.int8.tflite")]) == 0
    assert "refined: channels equalised, rounding fitted" in capfd.readouterr().out


REFUSED = [
    (["--refine", "round"], "--refine without --model FILE", "a shipped model"),
    (["--model", TINY, "--refine", "round"], "--model needs --faces", "no faces to fit it on"),
    (
        ["--model", TINY, "--faces", ".", "--quantize", "dynamic", "--refine", "round"],
        "take int8 or int8-float-io",
        "another scheme",
    ),
    (["--model", TINY, "--qat", "--refine", "round"], "--qat with --refine", "trained for int8"),
    (["--model", TINY, "--faces", ".", "--refine", "best"], "invalid choice: 'best'", "no such"),
    (
        ["--model", TINY, "--faces", ".", "--choice", "x.json", "--count", "30"],
        "--choice names every calibration face",
        "chosen twice",
    ),
    (["--model", TINY, "--faces", ".", "--choice", "x.json"], "cannot read the choice", "no file"),
]


@pytest.mark.parametrize(("words", "said", "note"), REFUSED, ids=[case[2] for case in REFUSED])
def test_refusals(convert: Convert, words: list[str], said: str, note: str, tmp_path: Path) -> None:
    """One message, and no bundle."""
    run = convert(*words, "--out", tmp_path / "out")
    assert run.code in (1, 2)
    assert said in run.err, run.err
    assert not (tmp_path / "out").exists()


def test_ranges_are_cut_where_it_pays() -> None:
    """A single far value is given up for finer steps; values that fill the range are not."""
    even = np.ones(2048)
    assert best_share(0.0, 6.0, even) == 1.0
    lonely = np.zeros(2048)
    # Ten million values below a third of the range against one at its end: the step's square falls
    # to a ninth for all, the one is off by two thirds of the range.
    lonely[: 2048 // 3], lonely[-1] = 15_000, 1
    assert best_share(-0.0, 6.0, lonely) == pytest.approx(1 / 3, abs=0.02)
    both = np.concatenate([lonely[::-1], lonely])
    assert best_share(-6.0, 6.0, both) == pytest.approx(1 / 3, abs=0.02)


def test_only_what_lies_between_is_cut(face_crops: Any) -> None:
    """Input and outputs keep their ranges, the others keep or lose from both ends alike."""
    source = shipped_float("age-tiny")
    inputs = list(model_inputs(source.contract.input, face_crops[:3, 16:112, 16:112]))
    ranges = record_activations(source.data, inputs).ranges
    wide = {name: (4 * low, 4 * high) for name, (low, high) in ranges.items()}
    cut = clip_ranges(source.data, wide, inputs, "m")
    ends = {source.contract.input.name, *(output.name for output in source.contract.outputs)}
    for name, (low, high) in wide.items():
        assert cut[name] == (low, high) if name in ends else cut[name][1] < high, name
