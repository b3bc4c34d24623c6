"""`faceage-camera` as a process of its own, on the shipped models: signals, pipes, silence."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

import faceage_edge

Picture = npt.NDArray[np.uint8]
COMMAND = [sys.executable, "-m", "faceage_edge.camera"]
ENVIRONMENT = os.environ | {"PYTHONPATH": str(Path(faceage_edge.__file__).parents[1])}

# The shipped models must be there: without them these tests say nothing.
pytestmark = pytest.mark.usefixtures("shipped")


def call(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *map(str, arguments)],
        capture_output=True,
        text=True,
        env=ENVIRONMENT,
        timeout=120,
        check=False,
    )


@contextmanager
def started(*arguments: object) -> Iterator[subprocess.Popen[str]]:
    """A running command, after its first result."""
    process = subprocess.Popen(
        [*COMMAND, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=ENVIRONMENT,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline().startswith('{"frame": 0')
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.fixture
def long_clip(walking_face: list[Picture], write_clip: Callable[[list[Picture]], Path]) -> Path:
    """400 frames in which the face walks to and fro: several seconds of work."""
    return write_clip((walking_face + walking_face[::-1]) * 25)


def film_length(path: Path) -> int:
    film = cv2.VideoCapture(str(path))
    count = 0
    while film.read()[0]:
        count += 1
    film.release()
    return count


def test_a_walking_face_is_one_track_with_a_steady_age(
    walking_face: list[Picture], write_clip: Callable[[list[Picture]], Path]
) -> None:
    """The astronaut is found in every frame, as one person of one age."""
    # At the usual smallest size for so small a frame, a patch of the suit passes once for a face.
    done = call("--source", write_clip(walking_face), "--min-face", "40")
    assert done.returncode == 0, done.stderr
    results = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(results) == len(walking_face)
    faces = [result["faces"] for result in results]
    assert [[face["track"] for face in each] for each in faces] == [[1]] * len(walking_face)
    ages = [each[0]["age"] for each in faces]
    assert max(ages) - min(ages) < 8
    assert all(each[0]["age_low"] < each[0]["age"] < each[0]["age_high"] for each in faces)
    x = [each[0]["box"][0] for each in faces]
    # The face moves 35 pixels to the left in all.
    assert x[0] - x[-1] == pytest.approx(35, abs=8)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_run_cleanly(tmp_path: Path, long_clip: Path, number: int) -> None:
    """Whole lines, a playable film of the frames so far, the summary, code 0."""
    target = tmp_path / "out.mp4"
    with started("--source", long_clip, "--annotate", target) as process:
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
        frames = 1 + len([json.loads(line) for line in out.splitlines()])
        assert process.returncode == 0, err
    assert frames < 400
    assert f"frames {frames}," in err
    assert film_length(target) == frames


def test_a_second_interrupt_ends_at_once(tmp_path: Path, long_clip: Path) -> None:
    """Code 130, and no half film is left."""
    target = tmp_path / "out.mp4"
    with started("--source", long_clip, "--annotate", target) as process:
        process.send_signal(signal.SIGSTOP)
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGTERM)
        process.send_signal(signal.SIGCONT)
        _, err = process.communicate(timeout=60)
        assert process.returncode == 130, err
    assert "Traceback" not in err
    assert [path.name for path in tmp_path.iterdir()] == ["clip.mp4"]


def test_a_reader_that_goes_away_ends_the_run_quietly(tmp_path: Path, long_clip: Path) -> None:
    """`| head -1` gets its line; no traceback, code 0, the film is whole."""
    target = tmp_path / "out.mp4"
    with started("--source", long_clip, "--annotate", target) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        err = process.stderr.read()
        assert process.wait(timeout=60) == 0, err
    assert "Traceback" not in err
    assert "Exception ignored" not in err
    assert "Broken" not in err
    assert 1 <= film_length(target) < 400


@pytest.mark.parametrize(
    ("name", "content", "note"),
    [
        ("noise.mp4", bytes(range(256)) * 64, "foreign bytes"),
        ("empty.mp4", b"", "nothing"),
        ("camera", None, "a camera that does not exist"),
    ],
)
def test_errors_are_one_line(tmp_path: Path, name: str, content: bytes | None, note: str) -> None:
    """OpenCV and FFmpeg add nothing of their own to our message."""
    source = "99"
    if content is not None:
        (tmp_path / name).write_bytes(content)
        source = str(tmp_path / name)
    done = call("--source", source)
    assert (done.returncode, done.stdout) == (1, ""), note
    assert done.stderr.startswith("faceage-camera: error: "), note
    assert done.stderr.count("\n") == 1, done.stderr


def test_a_full_disk_is_one_message(long_clip: Path) -> None:
    """Results that cannot be written end the run with our error, and say why."""
    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full")
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*COMMAND, "--source", str(long_clip)],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            env=ENVIRONMENT,
            timeout=60,
            check=False,
        )
    assert done.returncode == 1
    assert "cannot write results to stdout: No space left" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("clip", "people"),
    [("face-demographics-walking-and-pause", 3), ("head-pose-female-and-male", 2)],
)
def test_people_in_the_clips_keep_their_track_and_age(
    shared_data: Path, clip: str, people: int
) -> None:
    """Each person is one track, seen in nearly every frame, and the age settles."""
    done = call("--source", shared_data / "clips" / f"{clip}.gif")
    assert done.returncode == 0, done.stderr
    ages: dict[int, list[float]] = {}
    results = [json.loads(line) for line in done.stdout.splitlines()]
    for result in results:
        for face in result["faces"]:
            ages.setdefault(face["track"], []).append(face["age"])
    assert sorted(ages) == list(range(1, people + 1))
    for track, seen in ages.items():
        # Heads lean by 45 degrees in one clip, where the detector misses some frames.
        assert len(seen) > 0.85 * len(results), track
        # A model's single readings differ by ten years and more within a clip; fused ones of
        # the second half stay within what the pilot model's drift with distance leaves.
        settled = seen[len(seen) // 2 :]
        assert max(settled) - min(settled) < 5, track
