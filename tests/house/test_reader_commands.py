"""The commands that readers are told to type are run, word for word, on files such as they name.

What they cannot be given here is in two tables: what another test or leg of the lab runs, and what
needs a booted system of one's own.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.edge.mjpeg_server import MjpegCamera
from tests.edge.test_mqtt import MOSQUITTO, free_port, mosquitto
from tests.house.reader_desk import ROOT, Desk, commands, lay_out

PAGES = {
    "README": ROOT / "README.md",
    **{
        name: ROOT / "docs" / f"{name}.md"
        for name in ("maker", "engineer", "researcher", "service")
    },
}
TEXTS = {name: path.read_text(encoding="utf-8") for name, path in PAGES.items()}

# Words at a command's beginning; the file that runs it, and what is to be found in it.
ELSEWHERE = [
    ("python3 start.py", ".ci/run", "README.md"),
    ("python3 -m venv .venv && .venv/bin/pip install", "tests/house/test_wheel.py", "pip"),
    ("python3 -m venv --system", "tests/lab/install.py", "on_device"),
    ("sudo apt install -y python3-picamera2", "tests/lab/install.py", "two_lines"),
    (".venv/bin/pip install -c constraints/device", "tests/lab/install.py", "two_lines"),
    (".venv/bin/pip install --no-index", "tests/lab/install.py", "on_device"),
    ("python3 -m pip", "tests/lab/install.py", "on_host"),
    (".venv/bin/faceage-camera --source 0 --window", "tests/lab/window.py", '"--window"'),
    ("faceage-train --data faces.tar", "tests/models/test_train_age.py", "--validate"),
    (
        "faceage-camera --delegate libedgetpu",
        "tests/edge/test_supervised_delegates.py",
        "--delegate",
    ),
    (
        "sudo cp docs/service/faceage-camera.service",
        "tests/edge/test_service.py",
        "systemd-analyze",
    ),
]
# They change a booted system, of which a test has none, or need Google's packages for Coral.
NOWHERE = (
    "sudo apt ", "sudo useradd", "sudo usermod", "sudo python3 -m venv /opt", "sudo /opt/faceage",
    "sudo systemctl", "journalctl", 'echo "deb ', ".venv/bin/pip uninstall",
    ".venv/bin/pip install -c constraints/device.txt opencv-python",
)  # fmt: skip
# What makes a run shorter and its outcome no other.
SHORTER = {"faceage-benchmark latency": "--seconds 0.1", "faceage-benchmark loop": "--seconds 4"}

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("shipped")]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """One folder for all pages, in whose order they are read."""
    from skimage import data

    picture = data.astronaut()[:240, 60:380, ::-1].copy()
    return lay_out(tmp_path_factory.mktemp("reader"), picture)


def run_elsewhere(line: str) -> bool:
    """Whether the tables have it."""
    starts = (*NOWHERE, *(words for words, _, _ in ELSEWHERE))
    return line.startswith(starts)


def ours(page: str, words: str = "") -> list[str]:
    """What is run here of a page, in order."""
    return [line for line in commands(TEXTS[page]) if not run_elsewhere(line) and words in line]


def test_the_tables_are_true() -> None:
    """Each entry is of a command that a page has, and the file it names has to do with it."""
    lines = [line for page in TEXTS for line in commands(TEXTS[page])]
    for words in (*NOWHERE, *(words for words, _, _ in ELSEWHERE)):
        assert any(line.startswith(words) for line in lines), words
    for _, name, mark in ELSEWHERE:
        assert mark in (ROOT / name).read_text(encoding="utf-8"), name


def run(desk: Desk, line: str) -> str:
    more = next((more for words, more in SHORTER.items() if line.startswith(words)), "")
    return desk.run(f"{line} {more}")


def test_the_readme(desk: Desk) -> None:
    """From the shipped models to a report, a camera among it."""
    for line in ours("README"):
        if line.startswith(("faceage-camera", ".venv/bin/faceage-camera")):
            assert desk.watch(line)[-1]["faces"]
        else:
            run(desk, line)
    assert (desk.folder / "page" / "report.html").is_file()


def test_an_engineers_monday(desk: Desk, tmp_path: Path) -> None:
    """A model is converted, measured, fitted, run from a file, examined and exchanged."""
    (configuration,) = re.findall(r"```toml\n(.*?)```", TEXTS["engineer"], re.DOTALL)
    port = free_port()
    with MjpegCamera(frames=100_000, pause_s=0.02) as camera:
        # The page's network camera, and its ports, are played on this machine.
        told = configuration.replace("rtsp://kiosk:secret@camera.local/stream", camera.url)
        told = told.replace("0.0.0.0:9100", f"127.0.0.1:{port}").replace(
            '"8000"', f'"{free_port()}"'
        )
        (desk.folder / "camera.toml").write_text(told)
        for line in ours("engineer"):
            out = run(desk, line)
            if "--max-frames 300" in line:
                assert out.count('"frame"') == 300
    models = {path.name for path in (desk.folder / "models").iterdir()}
    assert "age-mobilenet-coral.int8.tflite.previous" in models


def test_a_researchers_figures(
    desk: Desk, walking_face: Any, write_clip: Callable[..., Path]
) -> None:
    """Measured, compared, fitted, and a film recorded."""
    write_clip(walking_face).rename(desk.folder / "clip.mp4")
    for line in ours("researcher"):
        run(desk, line)
    assert (desk.folder / "ages.csv").is_file() and (desk.folder / "events.jsonl").is_file()


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[int]:
    """The port of a broker, as the page's Home Assistant has one."""
    if MOSQUITTO is None:
        pytest.skip("needs a mosquitto (apt install mosquitto)")
    port = free_port()
    with mosquitto(tmp_path, port):
        yield port


def test_a_makers_evening(desk: Desk, broker: int) -> None:
    """Doctor, preview with a token, Home Assistant, and all of it from a file."""
    (configuration,) = re.findall(r"```toml\n(.*?)```", TEXTS["maker"], re.DOTALL)
    there, port = f"127.0.0.1:{broker}", free_port()

    def at_home(text: str) -> str:
        here = text.replace("homeassistant.local", there)
        return here.replace("0.0.0.0:8000", f"127.0.0.1:{port}")

    (desk.folder / "camera.toml").write_text(at_home(configuration))
    for line in ours("maker"):
        if "--doctor" in line or "faceage" not in line:
            run(desk, line)
        else:
            desk.watch(at_home(line))
    assert re.fullmatch(r"[0-9a-f]{16}\n", (desk.folder / "token").read_text())


def test_every_command_is_run_somewhere() -> None:
    """A page's line is run above, or stands in a table."""
    run_here = {"README", "engineer", "researcher", "maker"}
    left = [line for page in TEXTS.keys() - run_here for line in ours(page)]
    assert left == []
