"""`faceage-camera --about` on the shipped models and on a copy whose contract says little."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from faceage_edge import about, camera
from faceage_edge.about import about_models, about_text
from faceage_edge.bundles import DEFAULT_AGE, find, find_age
from faceage_edge.loading import choose
from faceage_edge.model import Model, load_model

pytestmark = pytest.mark.usefixtures("shipped")


@pytest.fixture(autouse=True)
def no_camera(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is to be opened."""

    def opened(*_: object, **__: object) -> None:
        raise AssertionError("a source was opened")

    monkeypatch.setattr(camera, "open_source", opened)


def test_lines_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    """What its contract says of the age model, and what the detector consists of."""
    assert camera.main(["--about"]) == 0
    out = capsys.readouterr().out
    contract = load_model(find_age(DEFAULT_AGE)).contract
    assert contract.interval is not None
    assert out.startswith(f"age model {contract.name}\n")
    for said in (
        str(find_age(DEFAULT_AGE)),
        f"{find_age(DEFAULT_AGE).stat().st_size:,} bytes",
        contract.model_digest,
        f"{contract.input.width} x {contract.input.height} RGB, int8",
        f"holds the age of {100 * contract.interval.coverage:g} % of faces",
        f"{contract.provenance['measured']['mae_int8']:.2f} years int8",
        contract.licence,
        contract.provenance["weights_terms"],
        "single-shot network face-finder-finder",
        "output network face-finder-aligner",
    ):
        assert said in out, said


def test_one_json_object(capsys: pytest.CaptureFixture[str]) -> None:
    """The age model by name, another detector, and the keys that programs read."""
    words = ["--about", "--json", "--model", DEFAULT_AGE, "--detector", "face-finder"]
    assert camera.main(words) == 0
    (line,) = capsys.readouterr().out.splitlines()
    document = json.loads(line)
    assert list(document) == ["age", "detector"]
    facts = [
        *("name", "file", "bytes", "scheme", "digest", "input", "licence", "weights_terms"),
    ]
    assert list(document["age"]) == [*facts, "head", "interval", "measured"]
    assert document["age"]["scheme"] == "int8"
    networks = document["detector"]["networks"]
    assert [network["stage"] for network in networks] == ["single-shot", "output"]
    assert all(list(network) == ["stage", *facts] for network in networks)


def test_the_float_file_says_that_it_is_float() -> None:
    """Another file of the same model: its own scheme and digest, and no error of the other's."""
    path = find_age(DEFAULT_AGE, "float32")
    document = about_models(choose(age=str(path)))
    assert document["age"]["scheme"] == "float32"
    assert document["age"]["digest"] != about_models(choose())["age"]["digest"]
    assert "error       not stated for this float32 file" in about_text(document)


@pytest.mark.parametrize("measured", [{"mae_int8": "low"}, "well", None])
def test_a_contract_that_says_little(measured: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """No interval, no terms, nothing measured, or what is no measurement: each is said so."""

    def load(path: Path) -> Model:
        model = load_model(path)
        kept = {"scheme": "int8", "measured": measured}
        model.contract = replace(model.contract, interval=None, provenance=kept)
        return model

    monkeypatch.setattr(about, "load_branches", load)
    text = about_text(about_models(choose()))
    for said in ("no coverage claimed", "error       not stated", "terms       not stated"):
        assert said in text, said


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--model", "huge"], "no model 'huge'"),
        (["--model", "mtcnn/mtcnn-onet.int8.tflite"], "expected an age model"),
        (["--detector", "{part}"], "lacks the int8 face detector's refine, output network"),
    ],
)
def test_what_cannot_be_described(
    words: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line and exit code 1, as when the camera would run."""
    shutil.copy(find("mtcnn") / "mtcnn-pnet.int8.tflite", tmp_path)
    assert camera.main(["--about", *(word.format(part=tmp_path) for word in words)]) == 1
    out, err = capsys.readouterr()
    assert out == "" and message in err
    assert len([line for line in err.splitlines() if "error" in line]) == 1
