"""`faceage-convert --qat`: what a model trained for int8 is made from, and what is said of it."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from faceage_calibration.ranges import Calibration, Ranges, read_ranges, write_ranges
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
