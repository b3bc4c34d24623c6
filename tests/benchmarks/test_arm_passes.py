"""Full passes on emulated ARM: the frames they are counted on, and the budget they must keep."""

import json
import os
import shutil
from pathlib import Path

import pytest

from faceage_benchmarks import cli
from faceage_benchmarks.arm.count import write_budget
from faceage_benchmarks.arm.guest_pass import MIN_FACE
from faceage_benchmarks.arm.passes import FACES, pass_frame
from faceage_benchmarks.demo_clip import portrait
from faceage_edge.detector import load_detector

BUDGET = Path("benchmarks/arm-budget.json")


@pytest.mark.parametrize("name", ["face-finder", "mtcnn"])
def test_frames_have_their_faces(name: str) -> None:
    """Each shipped detector finds as many faces as were drawn, so that both do the same work."""
    pytest.importorskip("skimage")
    detector = load_detector(name)
    frames = [pass_frame(portrait(), faces) for faces in FACES]
    assert {frame.shape for frame in frames} == {(480, 640, 3)}
    found = [len(detector.detect(frame, min_face=MIN_FACE)) for frame in frames]
    assert tuple(found) == FACES


def test_a_budget_is_what_was_counted(tmp_path: Path) -> None:
    """All executed instructions, by processor and name."""
    path = tmp_path / "b.json"
    write_budget({"cortex-a72": {"net": {"all": 7, "dot": 1}, "a": {"all": 3, "dot": 0}}}, path)
    assert json.loads(path.read_text()) == {"cortex-a72": {"a": 3, "net": 7}}


def test_a_peer_that_is_not_there(tmp_path: Path) -> None:
    """Said before anything is emulated."""
    out = tmp_path / "r.json"
    assert cli.main(["arm", "--json", str(out), "--peer", "rfb=nowhere.tflite"]) == 2
    assert not out.exists()


@pytest.mark.slow
def test_the_budget_is_kept(
    repo_root: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """No shipped model and no full pass executes half a per cent more than was agreed; all int8
    outputs on ARM equal this machine's byte for byte."""
    if os.environ.get("CI") != "true":
        pytest.skip("minutes of emulation, which CI spends: CI=true, or faceage-benchmark arm")
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        pytest.skip("emulating ARM needs Debian's packages, and only root installs them")
    words = ["arm", "--passes", "--budget", str(repo_root / BUDGET), "--project", str(repo_root)]
    code = cli.main([*words, "--json", str(tmp_path / "arm.json")])
    said = capfd.readouterr().err
    if code == 1:
        pytest.skip(f"no emulated ARM here: {said.splitlines()[-1]}")
    assert code == 0, said
