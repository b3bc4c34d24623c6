"""`faceage-camera` called in this process, with fake models."""

import json
import re
from collections.abc import Callable, Iterable
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from faceage_edge import camera
from faceage_edge.age import Ages
from faceage_edge.geometry import CropTemplate, Face, FrameBox, FrameLandmarks
from faceage_edge.loading import Models

Picture = npt.NDArray[np.uint8]
SHARES = np.array([[0.3, 0.4], [0.7, 0.4], [0.5, 0.6], [0.35, 0.8], [0.65, 0.8]])
KEYS = ["frame", "time_s", "latency_ms", "degraded", "restarts", "faces"]
FACE_KEYS = ["track", "box", "score", "age", "age_low", "age_high", "age_jitter"]


class FakeAge:
    template = CropTemplate(16, 16, SHARES * 16)

    def estimate(self, crops: Picture) -> Ages:
        years = np.full(len(crops), 34.0)
        return Ages(years, years / 8, years - 6, years + 7)


class FakeDetector:
    def __init__(self) -> None:
        self.min_faces: list[float] = []

    def detect(self, frame: Picture, *, min_face: float) -> list[Face]:
        assert frame.shape[2] == 3
        self.min_faces.append(min_face)
        return [Face(FrameBox(20, 30, 50, 60), FrameLandmarks(SHARES * 50 + [20, 30]), 0.9)]


@pytest.fixture
def detector(monkeypatch: pytest.MonkeyPatch) -> FakeDetector:
    """Fake models in place of the shipped ones; returns the detector."""
    fake = FakeDetector()

    def load(folder: str | None, **options: object) -> Models:
        assert folder is None
        assert set(options) == {"age", "detector", "threads", "decode", "delegates"}
        return Models(FakeAge(), fake, Path("age.tflite"), Path("mtcnn"))  # type: ignore[arg-type]

    monkeypatch.setattr(camera, "load_bundle", load)
    return fake


def noise(seed: int) -> Picture:
    return np.random.default_rng(seed).integers(0, 256, (120, 160, 3), dtype=np.uint8)


def test_each_frame_is_a_json_line(
    detector: FakeDetector,
    write_clip: Callable[[list[Picture]], Path],
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Exactly the promised keys, a line a frame, everything else on stderr."""
    clip = write_clip([noise(0)] * 5)
    assert camera.main(["--source", str(clip), "--min-face", "55.5", "--every-frame"]) == 0
    out, err = capsys.readouterr()
    lines = [json.loads(line) for line in out.splitlines()]
    assert [list(line) for line in lines] == [KEYS] * 5
    assert [line["frame"] for line in lines] == [0, 1, 2, 3, 4]
    assert list(lines[0]["faces"][0]) == FACE_KEYS
    assert lines[4]["faces"] == [
        {
            "track": 1,
            "box": [20.0, 30.0, 50.0, 60.0],
            "score": 0.9,
            "age": 34.0,
            "age_low": 28.0,
            "age_high": 41.0,
            "age_jitter": 0.0,
        }
    ]
    assert detector.min_faces == [55.5] * 5
    assert re.search(r"clip\.mp4 \(10 fps, 5 frames\); ages by age\.tflite, faces by mtcnn", err)
    assert re.search(r"frames 5, [\d.]+ fps, drops 0, faces 5 in 1 tracks", err)
    assert re.search(r"capture to result p50 [\d.]+ ms p95 [\d.]+ ms", err)
    assert re.search(r"stages: detect p50 .*, align p50 .*, age p50 ", err)


def test_max_frames_ends_the_run(
    detector: FakeDetector,
    write_clip: Callable[[list[Picture]], Path],
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The rest of the source is not looked at."""
    clip = write_clip([noise(0)] * 5)
    assert camera.main(["--source", str(clip), "--max-frames", "2", "--every-frame"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 2
    assert len(detector.min_faces) == 2


@pytest.mark.usefixtures("detector")
@pytest.mark.parametrize(("name", "count"), [("out.mp4", 4), ("out.png", 1)])
def test_frames_are_annotated(
    tmp_path: Path,
    write_frames: Callable[[Iterable[Picture]], Path],
    capsys: pytest.CaptureFixture[str],
    name: str,
    count: int,
) -> None:
    """--annotate writes a film of all frames, or one picture, of the frames' size."""
    frames = write_frames([noise(index) for index in range(4)])
    target = tmp_path / name
    assert camera.main(["--source", str(frames), "--annotate", str(target), "--every-frame"]) == 0
    film = cv2.VideoCapture(str(target))
    found = 0
    while film.read()[0]:
        found += 1
    assert found == count
    film.release()
    assert len(capsys.readouterr().out.splitlines()) == 4


@pytest.mark.usefixtures("detector")
def test_an_error_on_the_way_ends_with_what_was_seen(
    tmp_path: Path,
    write_frames: Callable[[Iterable[Picture]], Path],
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Results so far stand, the summary and the error follow, no half film is left."""
    frames = write_frames([noise(0), noise(1)])
    last = frames / "frame-001.png"
    last.write_bytes(last.read_bytes()[:1000])
    target = tmp_path / "out.mp4"
    assert camera.main(["--source", str(frames), "--annotate", str(target), "--every-frame"]) == 1
    out, err = capsys.readouterr()
    assert len(out.splitlines()) == 1
    assert "frames 1," in err
    assert err.splitlines()[-1].startswith("faceage-camera: error: ")
    assert "frame-001.png" in err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["frames"]


@pytest.mark.parametrize(
    ("arguments", "code", "message", "note"),
    [
        (["--source", "99"], 1, "camera 99 cannot be opened", "no such camera"),
        (["--source", "{folder}/none.mp4"], 1, "there is no file or folder", "no such file"),
        (["--source", "{folder}"], 1, "holds no file", "an empty folder"),
        (["--source", "{clip}", "--annotate", "{folder}/a.gif"], 2, "ends in .mp4", "an ending"),
        (["--source", "{clip}", "--annotate", "{folder}/no/a.png"], 1, "cannot write", "a folder"),
        (["--source", "{clip}", "--annotate", "{clip}"], 2, "would replace the source", "itself"),
        (["--source", "{clip}", "--width", "640"], 2, "a camera or raw frames", "no camera"),
    ],
)
def test_what_cannot_be_done_is_said_before_any_work(
    detector: FakeDetector,
    tmp_path: Path,
    write_clip: Callable[[list[Picture]], Path],
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    code: int,
    message: str,
    note: str,
) -> None:
    """One line on stderr, nothing on stdout, no frame looked at, no file written."""
    clip = write_clip([noise(0)] * 3)
    before = clip.read_bytes()
    folder = tmp_path / "empty"
    folder.mkdir()
    given = [argument.format(folder=folder, clip=clip) for argument in arguments]
    assert camera.main(given) == code, note
    out, err = capsys.readouterr()
    assert out == "", note
    assert err.startswith("faceage-camera: error: "), note
    assert message in err, note
    assert err.count("\n") == 1, note
    assert detector.min_faces == [], note
    assert clip.read_bytes() == before, note
    assert list(folder.iterdir()) == [], note


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--min-face", "3"], "3: expected 12 to 999,999,999"),
        (["--min-face", "nan"], "nan: expected 12 to 999,999,999"),
        (["--threads", "0"], "0: expected 1 to 999,999,999"),
        (["--max-frames", "many"], "'many' is no whole number"),
        (["--decode", "median"], "invalid choice"),
        (["--nonsense"], "unrecognized arguments"),
    ],
)
def test_wrong_usage_exits_with_2(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """argparse's own way: usage, the reason, code 2."""
    with pytest.raises(SystemExit) as caught:
        camera.main(arguments)
    assert caught.value.code == 2
    assert message in capsys.readouterr().err


def test_version_and_help(capsys: pytest.CaptureFixture[str]) -> None:
    """Both answer on stdout; help explains every key of the output."""
    for option in ("--version", "--help"):
        with pytest.raises(SystemExit) as caught:
            camera.main([option])
        assert caught.value.code == 0
    out = capsys.readouterr().out
    assert re.match(r"faceage-camera \d+\.\d+\.\d+\n", out)
    for key in (*KEYS, *FACE_KEYS, "gender", "gender_share"):
        assert re.search(rf"\b{key}\b", out), key


@pytest.mark.usefixtures("detector")
def test_a_closed_stdout_is_said(
    write_clip: Callable[[list[Picture]], Path],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Started with `>&-` there is no place for results, which is an error and no traceback."""
    clip = write_clip([noise(0)])
    with monkeypatch.context() as patch:
        patch.setattr("sys.stdout", None)
        assert camera.main(["--source", str(clip)]) == 1
    assert "stdout is closed" in capsys.readouterr().err
