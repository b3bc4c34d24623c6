"""The main job: the shipped models, from their recorded ranges, with no other argument."""

import json
import platform
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from faceage_convert import conversion
from faceage_convert.cli import main
from faceage_convert.provenance import tool_versions
from faceage_convert.quantize import quantize_model
from faceage_convert.shipped import convert_shipped
from faceage_edge.bundles import find
from faceage_edge.embedded import contract_bytes
from faceage_edge.loading import load_bundle
from faceage_edge.model import load_model
from faceage_models.float_source import SHIPPED_AGE

NETWORKS = ("mtcnn-pnet", "mtcnn-rnet", "mtcnn-onet")
FINDER = ("face-finder-finder", "face-finder-aligner")


def _converted(tmp_path_factory: pytest.TempPathFactory, *arguments: str) -> Path:
    """Run the command in a folder of its own and return the bundle that it names there."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("converted"))
        assert main(arguments) == 0
        (out,) = Path.cwd().iterdir()
    return out


@pytest.fixture(scope="module")
def int8_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `faceage-convert --quantize int8` writes."""
    return _converted(tmp_path_factory, "--quantize", "int8")


@pytest.fixture(scope="module")
def mtcnn_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `faceage-convert --quantize int8 --detector mtcnn` writes."""
    return _converted(tmp_path_factory, "--quantize", "int8", "--detector", "mtcnn")


def _shipped_file(shipped: Any, name: str) -> Path:
    folder: Path = shipped.age_int8.parent
    if name in NETWORKS + FINDER:
        folder = shipped.mtcnn if name in NETWORKS else shipped.mtcnn.parent / "face-finder"
    return folder / f"{name}.int8.tflite"


def test_a_refined_file_comes_out_again() -> None:
    """age-tiny's channels are equalised and its rounding fitted: its ranges file holds both, and
    no face is needed to make the same bytes."""
    shipped_file = find("age-tiny/age-tiny.int8.tflite")
    known = load_model(shipped_file).contract.provenance
    made = convert_shipped("age-tiny", "int8")
    assert made.contract.provenance["refined"] == known["refined"] == ["equalise", "round"]
    if all(version == tool_versions().get(tool) for tool, version in known["tools"].items()):
        assert made.contract.provenance["graph_digest"] == known["graph_digest"]
        if platform.machine() == "x86_64":
            assert made.data == shipped_file.read_bytes()
    # Another scheme is not refined, and takes the same ranges.
    assert "refined" not in convert_shipped("age-tiny", "int16x8").contract.provenance


@pytest.mark.parametrize("name", ["age-mobilenet-coral", *NETWORKS, *FINDER])
def test_shipped_files_come_out_again(
    int8_bundle: Path, mtcnn_bundle: Path, shipped: Any, name: str
) -> None:
    """The tools that made the shipped files make the same bytes from the float model."""
    bundle = mtcnn_bundle if name in NETWORKS else int8_bundle
    ours, theirs = bundle / f"{name}.int8.tflite", _shipped_file(shipped, name)
    known = load_model(theirs).contract
    made_with = {**known.provenance["tools"]}
    now = {tool: version for tool, version in tool_versions().items() if tool in made_with}
    if now != made_with:
        pytest.skip(f"the shipped files were made with {made_with}, here are {now}")
    found = load_model(ours).contract
    assert found.provenance["graph_digest"] == known.provenance["graph_digest"]
    if platform.machine() == "x86_64":
        assert ours.read_bytes() == theirs.read_bytes()
        assert ours.with_suffix(".json").read_bytes() == theirs.with_suffix(".json").read_bytes()
    else:
        # Kernels of other processors round ties otherwise, so golden outputs may differ by one.
        plain = [
            replace(c, golden={}, provenance={**c.provenance, "model_digest": ""})
            for c in (found, known)
        ]
        assert plain[0].to_json() == plain[1].to_json()


def test_contents(int8_bundle: Path) -> None:
    """The folder holds what the camera loads, the contracts beside it, and the report."""
    assert int8_bundle.name == "faceage-int8"
    models = [f"{name}.int8" for name in ("age-mobilenet-coral", *FINDER)]
    expected = {f"{name}.{kind}" for name in models for kind in ("tflite", "json")}
    found = {path.name for path in int8_bundle.iterdir()}
    assert found == expected | {"report.html", "report.json", "report.md"}
    for name in models:
        contract = load_model(int8_bundle / f"{name}.tflite").contract
        assert (int8_bundle / f"{name}.json").read_bytes() == contract_bytes(contract)


def test_report_quotes_the_release(int8_bundle: Path) -> None:
    """Without faces the report gives what was measured on this very graph, and on how many."""
    report = json.loads((int8_bundle / "report.json").read_text())
    known = report["files"][0]["measured"]
    assert report["comparison"] is None
    text = (int8_bundle / "report.md").read_text()
    assert f"measured on {known['n']} faces of {known['set']}" in text
    assert f"{known['mae_float']:.3f} float, {known['mae_int8']:.3f} int8" in text


def test_camera_loads_the_bundle(int8_bundle: Path) -> None:
    """Age model and detector are found in it by their contracts."""
    models = load_bundle(str(int8_bundle))
    assert models.age_path.parent == models.detector_path == int8_bundle
    assert models.detector.scheme == "int8"


def test_other_graph_keeps_the_interval_but_not_the_figures(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A quantizer that makes another graph has not been measured."""
    monkeypatch.setattr(conversion, "quantize_model", lambda *a: quantize_model(*a) + bytes(4))
    contract = convert_shipped(SHIPPED_AGE, "int8").contract
    assert contract.interval is not None
    assert "measured" not in contract.provenance


def test_float_bundle(tmp_path_factory: pytest.TempPathFactory, shipped: Any) -> None:
    """`--quantize none` gives the float files as they are shipped, in a bundle the camera loads."""
    out = _converted(tmp_path_factory, "--quantize", "none")
    assert out.name == "faceage-float32"
    ours = (out / "age-mobilenet-coral.float32.tflite").read_bytes()
    assert ours == shipped.age_float.read_bytes()
    assert load_bundle(str(out)).detector.scheme == "float32"
    assert "What int8 cost" not in (out / "report.md").read_text()


def test_needs_no_framework(tmp_path: Path) -> None:
    """The main job runs with TensorFlow and Keras absent, and says little on stderr."""
    code = (
        "import sys; sys.modules.update(dict.fromkeys(('tensorflow', 'keras', 'tf_keras')));"
        "from faceage_convert.cli import main; sys.exit(main(sys.argv[1:]))"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, "--out", str(tmp_path / "out")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) <= 2


def test_missing_quantizer(
    convert: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without ai-edge-quantizer the message names the extra that brings it."""
    monkeypatch.setitem(sys.modules, "ai_edge_quantizer", None)
    run = convert("--out", tmp_path / "out")
    assert run.code == 1
    assert 'pip install "faceage[convert]"' in run.err
    assert not (tmp_path / "out").exists()
