"""The doctor, on this machine and on made-up ones."""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from faceage_edge import camera, doctor, doctor_device, doctor_software, runtime
from faceage_edge.camera_options import parser
from faceage_edge.diagnosis import Diagnosis

Tree = Callable[[dict[str, str]], Path]


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """Return a function that makes a root with these files."""

    def make(files: dict[str, str]) -> Path:
        for name, text in files.items():
            path = tmp_path / "root" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return tmp_path / "root"

    return make


FLAGS = "sys/devices/platform/soc/soc:firmware/get_throttled"
POWER = [
    ({}, "absent", "no Raspberry Pi"),
    ({FLAGS: "0\n"}, "ok", "no under-voltage"),
    ({FLAGS: "50005\n"}, "broken", "now: under-voltage, throttled"),
    ({FLAGS: "50000\n"}, "warning", "since it was switched on: under-voltage, throttled"),
    ({FLAGS: "80008"}, "broken", "now: soft temperature limit"),
    ({FLAGS: "what"}, "warning", "answers 'what'"),
]


@pytest.mark.parametrize(("files", "state", "found"), POWER)
def test_power(tree: Tree, files: dict[str, str], state: str, found: str) -> None:
    """Bits 0 to 3 are now, 16 to 19 since it was switched on."""
    finding = doctor_device.power(tree(files | {"here": ""}))
    assert finding.state == state
    assert found in finding.found
    assert bool(finding.fix) == (state in ("broken", "warning"))


HEAT = "sys/class/thermal/thermal_zone0/temp"


@pytest.mark.parametrize(
    ("files", "state", "found"),
    [({}, "absent", ""), ({HEAT: "48312"}, "ok", "48 °C"), ({HEAT: "83000"}, "warning", "83 °C")],
)
def test_heat(tree: Tree, files: dict[str, str], state: str, found: str) -> None:
    """Thousandths of a degree."""
    finding = doctor_device.heat(tree(files | {"here": ""}))
    assert (finding.state, found in finding.found) == (state, True)


USB = "sys/bus/usb/devices/1-1/"
CORALS = [
    ({}, None, "absent", "no Edge TPU"),
    ({USB + "idVendor": "046d", USB + "idProduct": "0825"}, None, "absent", "no Edge TPU"),
    ({USB + "idVendor": "1a6e\n", USB + "idProduct": "089a\n"}, None, "broken", "no libedgetpu"),
    ({USB + "idVendor": "18d1", USB + "idProduct": "9302"}, "libedgetpu.so.1", "ok", "on USB"),
    ({"dev/apex_0": ""}, "libedgetpu.so.1", "ok", "/dev/apex_0"),
]


@pytest.mark.parametrize(("files", "library", "state", "found"), CORALS)
def test_coral(
    tree: Tree,
    monkeypatch: pytest.MonkeyPatch,
    files: dict[str, str],
    library: str | None,
    state: str,
    found: str,
) -> None:
    """By its USB numbers or its device, and whether its library is there."""
    monkeypatch.setattr("ctypes.util.find_library", lambda _: library)
    finding = doctor_device.coral(tree(files | {"here": ""}))
    assert (finding.state, found in finding.found) == (state, True)


IMPORTS = [
    ("ValueError: numpy.dtype size changed, may indicate binary incompatibility", "broken"),
    ("ImportError: numpy.core.multiarray failed to import", "broken"),
    ("ModuleNotFoundError: No module named 'simplejpeg'", "ok"),
    ("", "ok"),
]


@pytest.mark.parametrize(("words", "state"), IMPORTS)
def test_a_clash_of_numpys_is_recognised(
    monkeypatch: pytest.MonkeyPatch, words: str, state: str
) -> None:
    """By numpy's own words, and the fix names the pins; what is not there is no clash."""
    monkeypatch.setattr(doctor_software, "_import", lambda _: words)
    finding = doctor_software.numpy_abi()
    assert finding.state == state
    assert ("device-bookworm.txt" in finding.fix) == (state == "broken")


def test_imports_are_tried_in_a_process_of_their_own() -> None:
    """One that ends the interpreter ends only that."""
    assert doctor_software._import("json") == ""
    assert "No module named" in doctor_software._import("not_there_at_all")
    assert "not_there_at_all" not in sys.modules


@pytest.mark.slow
def test_a_healthy_machine(
    write_frames: Callable[[list[Any]], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    """With a source that gives frames, everything here is fine: code 0, a line each."""
    frames = write_frames([np.zeros((48, 64, 3), np.uint8)])
    assert camera.main(["--doctor", "--source", str(frames)]) == 0
    out = capsys.readouterr().out
    assert out.splitlines()[-1] == "nothing is broken"
    assert "compute their golden outputs" in out
    assert "a frame of 64 x 48" in out


def test_what_is_broken_is_said_with_its_fix(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Code 1; as JSON too. The other examinations are made all the same."""
    monkeypatch.setattr(doctor_software, "models", lambda _: Diagnosis("ok", "fine"))
    words = ["--doctor", "--json", "--source", str(tmp_path / "none.mp4")]
    assert camera.main(words) == 1
    document = json.loads(capsys.readouterr().out)
    assert document["healthy"] is False
    findings = {finding["name"]: finding for finding in document["findings"]}
    assert findings["camera"]["state"] == "broken"
    assert "there is no file or folder" in findings["camera"]["fix"]
    assert set(findings) >= {
        "python",
        "system",
        "numpy",
        "opencv",
        "runtime",
        "power",
        "coral",
        "heat",
    }
    assert "BROKEN  camera" in doctor.doctor_text(document)


def test_a_camera_that_opens_and_sends_nothing_is_found(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A network camera may do so for ever; the doctor does not wait as long."""
    monkeypatch.setattr(doctor_device, "_FRAME_S", 0.3)

    class Silent:
        """A stream whose frames never come."""

        def __init__(self, leave: Callable[[], bool]) -> None:
            self._leave = leave

        def __enter__(self) -> "Silent":
            return self

        def __exit__(self, *_: object) -> None:
            return None

        def __iter__(self) -> "Silent":
            return self

        def __next__(self) -> None:
            while not self._leave():
                time.sleep(0.01)
            raise StopIteration

        def describe(self) -> str:
            return "rtsp://camera/stream (25 fps)"

    monkeypatch.setattr(doctor_device, "open_source", lambda *_, leave: Silent(leave))
    options = parser("faceage-camera").parse_args(["--source", "rtsp://camera/stream"])
    finding = doctor_device.camera(options, tmp_path)
    assert finding.state == "broken"
    assert "opens and gives no frame" in finding.found and "ffplay" in finding.fix


def test_a_device_that_is_shut_to_this_user_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The group is the fix, not what OpenCV says."""
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev" / "video0").touch()
    monkeypatch.setattr("os.access", lambda *_: False)
    options = parser("faceage-camera").parse_args(["--source", "99"])
    finding = doctor_device.camera(options, tmp_path)
    assert (finding.state, "usermod -aG video" in finding.fix) == ("broken", True)
    assert "/dev/video0" in finding.found


SYSTEMS = [
    (("glibc", "2.36"), "ok", "Debian 12"),
    (("glibc", "2.31"), "warning", "Bullseye: LiteRT's wheels install there and do not load"),
    (("", ""), "warning", "Alpine"),
]


@pytest.mark.parametrize(("library", "state", "note"), SYSTEMS)
def test_a_system_that_is_too_old_for_the_wheels(
    monkeypatch: pytest.MonkeyPatch, library: tuple[str, str], state: str, note: str
) -> None:
    """The fix names the runtime that loads there."""
    monkeypatch.setattr("platform.libc_ver", lambda: library)
    finding = doctor_software.system()
    assert (finding.state, "tflite-runtime" in finding.fix) == (state, state == "warning"), note


def test_a_python_that_is_not_supported(monkeypatch: pytest.MonkeyPatch) -> None:
    """The fix names those that are."""
    monkeypatch.setattr("sys.version_info", (3, 9, 2))
    finding = doctor_software.python()
    assert (finding.state, "3.11, 3.12 or 3.13" in finding.fix) == ("broken", True)


def test_a_runtime_that_does_not_load(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither of the two: broken, and the fix names what to install."""
    for name in runtime._RUNTIMES:
        monkeypatch.setitem(sys.modules, name, None)
    finding = doctor_software.runtime()
    assert (finding.state, "ai-edge-litert" in finding.fix) == ("broken", True)


def test_an_opencv_without_ffmpeg(monkeypatch: pytest.MonkeyPatch) -> None:
    """It reads cameras and pictures, no films."""
    monkeypatch.setattr("cv2.getBuildInformation", lambda: "  FFMPEG:  NO\n  GTK+:  YES\n")
    finding = doctor_software.opencv()
    assert (finding.state, "no FFmpeg" in finding.found) == ("warning", True)
    assert "opencv-python-headless" in finding.fix


PI_CAMERAS = [
    ("", "ok", ""),
    ("ModuleNotFoundError: No module named 'picamera2'", "absent", "--system-site-packages"),
    ("ValueError: numpy.dtype size changed, may indicate", "broken", "see numpy"),
]


@pytest.mark.parametrize(("words", "state", "fix"), PI_CAMERAS)
def test_a_pis_own_camera(
    monkeypatch: pytest.MonkeyPatch, words: str, state: str, fix: str
) -> None:
    """Only its source needs picamera2; where it is missing the fix is apt's package."""
    monkeypatch.setattr(doctor_software, "_import", lambda _: words)
    finding = doctor_software.picamera2()
    assert (finding.state, fix in finding.fix) == (state, True)


def test_a_damaged_model_is_found(tmp_path: Path) -> None:
    """The self-test's own words are the fix."""
    bad = tmp_path / "bad.tflite"
    bad.write_bytes(b"no model")
    options = parser("faceage-camera").parse_args(["--model", str(bad)])
    finding = doctor_software.models(options)
    assert finding.state == "broken"
    assert "bad.tflite" in finding.fix
