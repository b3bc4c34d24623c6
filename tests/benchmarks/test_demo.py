"""The demonstration: its clip, the commands it runs, and the whole of it."""

import json
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from faceage_benchmarks import commands, demo
from faceage_benchmarks.demo_clip import FPS, FRAMES, clip_frames, make_clip
from faceage_benchmarks.figures import recompute
from faceage_benchmarks.result import read_result
from faceage_edge.errors import FaceageError, MissingExtraError, OutputError

COMMANDS = {
    "faceage-convert": "faceage_convert.cli",
    "faceage-camera": "faceage_edge.camera",
    "faceage-benchmark": "faceage_benchmarks.cli",
}


@pytest.fixture
def scripts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put the three commands into a folder of their own, where the demonstration looks first."""
    folder = tmp_path / "scripts"
    folder.mkdir()
    for name, module in COMMANDS.items():
        script = folder / name
        script.write_text(
            f"#!{sys.executable}\nimport sys\nfrom {module} import main\nsys.exit(main())\n"
        )
        script.chmod(0o755)
    monkeypatch.setattr("sysconfig.get_path", lambda _name: str(folder))
    return folder


def test_frames_move(astronaut: Any) -> None:
    """Every frame is VGA and differs from the one before; the last leads back to the first."""
    frames = list(clip_frames(astronaut))
    assert len(frames) == FRAMES
    assert {frame.shape for frame in frames} == {(480, 640, 3)}
    steps = [
        np.abs(after.astype(int) - before).mean()
        for before, after in zip(frames, [*frames[1:], frames[0]], strict=True)
    ]
    assert min(steps) > 0.5
    assert max(steps) < 8 * np.median(steps)


def test_clip_is_a_film(tmp_path: Path) -> None:
    """The clip reads back as three seconds of film."""
    path = tmp_path / "clip.mp4"
    make_clip(path)
    film = cv2.VideoCapture(str(path))
    assert film.get(cv2.CAP_PROP_FRAME_COUNT) == FRAMES
    assert film.get(cv2.CAP_PROP_FPS) == pytest.approx(FPS)


def test_clip_needs_a_folder(tmp_path: Path) -> None:
    """A clip that cannot be written is an OutputError."""
    with pytest.raises(OutputError, match="cannot write the clip"):
        make_clip(tmp_path / "nowhere" / "clip.mp4")


def test_clip_needs_scikit_image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without scikit-image the message names the extra that brings it."""
    monkeypatch.setitem(sys.modules, "skimage.data", None)
    with pytest.raises(MissingExtraError, match=r"faceage\[demo\]"):
        make_clip(tmp_path / "clip.mp4")


def test_missing_command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A command that is not installed is named, and how to install it."""
    monkeypatch.setattr("sysconfig.get_path", lambda _name: str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FaceageError, match="pip install"):
        commands.find_command("faceage-convert")


def test_failing_command(scripts: Path, capfd: Any) -> None:
    """A command that fails ends the demonstration; the command's own message is shown."""
    with pytest.raises(FaceageError, match="exit code 1"):
        commands.run_shown("faceage-benchmark", "latency", "--model", str(scripts / "none.tflite"))
    captured = capfd.readouterr()
    assert captured.out.startswith("\n$ faceage-benchmark latency --model ")
    assert "none.tflite" in captured.err


def test_folder_that_cannot_be_made(tmp_path: Path, capsys: Any) -> None:
    """A file where the folder should be is said, with exit code 1."""
    (tmp_path / "file").write_text("")
    assert demo.main(["--out", str(tmp_path / "file" / "out")]) == 1
    assert "cannot make the folder" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.usefixtures("scripts", "shipped")
def test_the_whole_demonstration(tmp_path: Path, capsys: Any) -> None:
    """Clip, conversion, loop and table; every frame has the face, and demo.json all figures."""
    out = tmp_path / "out"
    assert demo.main(["--out", str(out)]) == 0
    result = read_result(out / "demo.json")
    assert {key: result[key] for key in recompute(result)} == recompute(result)
    assert result["frames"] == FRAMES
    assert min(result["faces_int8"], result["faces_float32"]) >= 0.95 * FRAMES
    assert result["mean_abs_difference"] < 3
    lines = [json.loads(line) for line in (out / "astronaut.jsonl").read_text().splitlines()]
    assert len(lines) == FRAMES
    assert {face["track"] for line in lines for face in line["faces"]} == {1}
    assert cv2.imread(str(out / "astronaut.png")) is not None
    text = capsys.readouterr().out
    assert "$ faceage-convert --quantize int8 --out" in text
    assert "| age, mean over the clip" in text
