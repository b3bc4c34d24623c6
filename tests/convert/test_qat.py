"""`faceage-convert --qat`: what a model trained for int8 is made from, and what is said of it."""

import importlib.util
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.models.bright_faces import write_faces as bright_faces
from tests.models.cut_faces import faces as cut_faces

from faceage_calibration.ranges import Calibration, Ranges, read_ranges, write_ranges
from faceage_edge.age import load_age_model
from faceage_edge.bundles import find, find_age
from faceage_edge.embedded import read_contract

Convert = Callable[..., Any]
Change = Callable[[Ranges], Ranges]
TRAINED = {"steps": 704, "faces": 22542}


@pytest.fixture
def trained(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that lays down a float model with ranges as training leaves them: no
    means, no list of faces, and where they come from; `change` makes other ones of them."""
    shipped = find_age("age-tiny", "float32")

    def write(change: Change | None = None) -> Path:
        model = tmp_path / "own.float32.tflite"
        model.write_bytes(shipped.read_bytes())
        recorded = read_ranges(shipped.with_name("age-tiny.ranges.json"))
        seen = Calibration(TRAINED["faces"], "c" * 64, ())
        learnt = replace(recorded, calibration=seen, means={}, qat=TRAINED)
        write_ranges(tmp_path / "own.ranges.json", change(learnt) if change else learnt)
        return model

    return write


def test_it_says_so(convert: Convert, trained: Callable[..., Path], tmp_path: Path) -> None:
    """Report, page, contract and `inspect` say it; ranges go into the bundle and convert again."""
    out = tmp_path / "out"
    run = convert("--qat", "--model", trained(), "--out", out, "--json")
    assert run.code == 0, run.err
    (file,) = [one for one in json.loads(run.out)["files"] if one["task"] == "age"]
    assert (file["scheme"], file["qat"], file["calibration_faces"]) == ("int8", TRAINED, None)
    sentence = "come from quantization-aware training (faceage-train --qat): 704 steps on 22,542"
    assert sentence in (out / "report.md").read_text()
    assert sentence in (out / "report.html").read_text()
    contract = read_contract((out / file["file"]).read_bytes(), "")
    assert contract.provenance["qat"] == TRAINED and "calibration" not in contract.provenance
    assert (
        "trained with the rounding of int8: 704 steps" in convert("inspect", out / file["file"]).out
    )
    again = convert("--qat", "--model", _laid_out(out, tmp_path), "--out", tmp_path / "two")
    assert again.code == 0, again.err
    assert (tmp_path / "two" / file["file"]).read_bytes() == (out / file["file"]).read_bytes()


def _laid_out(bundle: Path, folder: Path) -> Path:
    """A bundle's float model and ranges side by side."""
    model = folder / "age-tiny.float32.tflite"
    model.write_bytes((bundle / "float" / model.name).read_bytes())
    ranges = folder / "age-tiny.ranges.json"
    ranges.write_bytes((bundle / ranges.name).read_bytes())
    return model


def test_learnt_ranges_are_taken(
    convert: Convert, trained: Callable[..., Path], tmp_path: Path
) -> None:
    """Ranges of another width give another file, though nothing else has changed; and a bundle
    is made anew where they have."""

    def half(ranges: Ranges) -> Ranges:
        tensors = {name: (low / 2, high / 2) for name, (low, high) in ranges.tensors.items()}
        return replace(ranges, tensors=tensors)

    out, file = tmp_path / "out", "age-tiny.int8.tflite"
    assert convert("--qat", "--model", trained(), "--out", out).code == 0
    before = (out / file).read_bytes()
    again = convert("--qat", "--model", trained(), "--out", out)
    assert "nothing has changed" in again.err
    assert convert("--qat", "--model", trained(half), "--out", out).code == 0
    assert (out / file).read_bytes() != before


def test_faces_measure_and_fit_the_interval(
    convert: Convert, trained: Callable[..., Path], write_faces: Callable[..., Path], tmp_path: Path
) -> None:
    """With faces nothing is recorded on them; the contract lists those of the interval, so that
    no one measures it on them."""
    model, out = trained(), tmp_path / "out"
    words = ["--faces", write_faces(40), "--count", "20", "--crops", "aligned"]
    run = convert("--qat", "--model", model, *words, "--max-drop", "50", "--max-band-drop", "90",
                  "--out", out)  # fmt: skip
    assert run.code == 0, run.err
    assert "recording ranges" not in run.err
    contract = read_contract((out / "age-tiny.int8.tflite").read_bytes(), "")
    assert contract.interval is not None and contract.provenance["measured"]["n"] == 20
    assert len(contract.provenance["interval_pictures"]) == 20 * 10
    measured = json.loads((out / "report.json").read_text())
    assert measured["ranges_seconds"] is None and measured["rungs"][0]["scheme"] == "int8"


def recorded(ranges: Ranges) -> Ranges:
    """Ranges as faceage-calibrate records them."""
    return replace(ranges, qat=None)


def of_others(ranges: Ranges) -> Ranges:
    """Ranges of other weights."""
    return replace(ranges, model_digest="d" * 64)


@pytest.mark.parametrize(
    ("words", "change", "code", "said"),
    [
        (["--quantize", "dynamic"], None, 2, "take int8 or int8-float-io"),
        (["--quantize", "int16x8"], None, 2, "take int8 or int8-float-io"),
        (["--quantize", "none"], None, 2, "take int8 or int8-float-io"),
        ([], recorded, 2, "was recorded on faces"),
        ([], of_others, 1, "belongs to weights with digest dddddddddddddddd"),
    ],
)
def test_refusals(
    words: list[str],
    change: Change | None,
    code: int,
    said: str,
    convert: Convert,
    trained: Callable[..., Path],
    tmp_path: Path,
) -> None:
    """One message each, and no bundle."""
    run = convert("--qat", "--model", trained(change), *words, "--out", tmp_path / "out")
    assert (run.code, said in run.err) == (code, True), run.err
    assert not (tmp_path / "out").exists()


def test_no_model_and_no_ranges(convert: Convert, tmp_path: Path) -> None:
    """Without a model, with one that has no ranges, and with a shipped one that was not trained
    so: each is told from the others."""
    assert "--qat without --model" in convert("--qat", "--out", tmp_path / "out").err
    model = tmp_path / "bare.tflite"
    model.write_bytes(find("age-tiny/age-tiny.float32.tflite").read_bytes())
    assert f"looks for {tmp_path / 'bare.ranges.json'}" in convert("--qat", "--model", model).err
    assert "was recorded on faces" in convert("--qat", "--model", "age-tiny").err


@pytest.mark.slow
@pytest.mark.skipif(
    importlib.util.find_spec("tensorflow_model_optimization") is None,
    reason="needs tensorflow-model-optimization: pip install '.[qat]'",
)
def test_the_file_answers_as_it_was_trained(convert: Convert, tmp_path: Path) -> None:
    """From faces to an int8 file: its ages are those of the network that rounds in training, to
    within the last step of either, and not those of the float weights."""
    from faceage_models.age_heads import HEADS
    from faceage_models.age_inputs import INPUTS
    from faceage_models.age_run import Schedule, Stage
    from faceage_models.keras_loading import load_keras
    from faceage_models.qat_run import FaceSource, QatRun
    from faceage_models.train_age import main as train

    learn, dev = (
        bright_faces(tmp_path / "learn", 96),
        bright_faces(tmp_path / "dev", 48, first=1000),
    )
    words = ["--data", str(learn), "--validate", str(dev), "--batch", "16", "--size", "32"]
    words += ["--backbone", "lenet", "--alpha", "0.25"]
    flat, tuned = tmp_path / "float", tmp_path / "tuned"
    assert train([*words, "--epochs", "20", "--rate", "0.01", "--out", str(flat)]) == 0
    more = ["--qat", "--start", str(flat / "best.keras"), "--epochs", "1", "--epoch-steps", "5"]
    assert train([*words, *more, "--out", str(tuned)]) == 0
    run = convert("--qat", "--model", tuned / "best.keras", "--contract", tuned / "best.json",
                  "--out", tmp_path / "out")  # fmt: skip
    assert run.code == 0, run.err

    random = np.random.default_rng(5)
    light = random.integers(30, 225, (64, 1, 1, 1))
    crops = (light + random.integers(-9, 9, (64, 32, 32, 3))).astype(np.uint8)
    ages = load_age_model(tmp_path / "out" / "age.int8.tflite").estimate(crops).years
    trained = QatRun(
        load_keras(flat / "best.keras"), HEADS["coral"], Schedule((Stage(1),), 5, 1e-4, 0.0),
        np.ones(100, np.float32), tuned, INPUTS["signed-128"],
        FaceSource(cut_faces(20), 32, 0),
    )  # fmt: skip
    with trained.averaged():
        wanted = trained.predict(np.ascontiguousarray(crops[..., ::-1]))
    assert wanted.std() > 5
    assert np.abs(ages - wanted).mean() < 0.25
    assert np.abs(ages - wanted).max() < 1.5
