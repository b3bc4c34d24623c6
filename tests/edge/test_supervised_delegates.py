"""`faceage-camera --delegate` with accelerators that fail: real libraries, built here by gcc."""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from tests.edge.faults import running
from tests.edge.faults.delegate import SOURCE, WAYS
from tests.edge.faults.running import Running

from faceage_edge import doctor_accelerator
from faceage_edge.camera_options import parser

Picture = npt.NDArray[np.uint8]
FAULTS = Path(running.__file__).parent

pytestmark = [pytest.mark.usefixtures("shipped"), pytest.mark.slow]


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The stub delegate of faults/delegate.c."""
    if shutil.which("gcc") is None:
        pytest.skip("needs gcc to build a delegate")
    made = tmp_path_factory.mktemp("delegate") / "fault.so"
    subprocess.run(["gcc", "-shared", "-fPIC", "-pthread", "-o", made, SOURCE], check=True)
    return made


@pytest.fixture
def clip(walking_face: list[Picture], write_clip: Callable[[list[Picture]], Path]) -> Path:
    """A film with a face."""
    return write_clip(walking_face)


@pytest.fixture
def camera(tmp_path: Path, astronaut: Picture) -> Iterator[dict[str, str]]:
    """The environment of a fake camera, see faults/sitecustomize.py."""
    np.save(tmp_path / "frame.npy", astronaut[:240, 60:380])
    (tmp_path / "mode").write_text("run")
    yield running.environment(PYTHONPATH=FAULTS, FACEAGE_FAKE_CAMERA=tmp_path)


@pytest.mark.parametrize(("how", "said", "note"), WAYS)
def test_an_accelerator_that_does_not_work_is_done_without(
    library: Path, clip: Path, how: str, said: str, note: str
) -> None:
    """The CPU takes its place, every result says so, and stderr says why."""
    with Running("--source", clip, "--delegate", f"{library},how={how}") as run:
        assert run.process.wait(60) == 0, note
        run.until(lambda: said in run.err, 5)
    results = [result for _, result in run.results]
    assert [result["frame"] for result in results] == list(range(8)), note
    assert {result["degraded"] for result in results} == {True}, note
    assert {result["restarts"] for result in results} == {1}, note
    assert "on the CPU" in run.err


DOCTORS = [
    ("nothing", "ok", "golden outputs", ""),
    ("refuse", "broken", "does not work", "is the accelerator plugged in"),
    ("abort", "broken", "kills its process (SIGABRT)", "unplug it"),
    ("prepare", "broken", "does not work", "cannot prepare this model"),
    ("garbage", "broken", "does not work", "computes wrongly"),
    ("hang", "broken", "has not answered", "unplug it"),
    ("invoke-hang", "broken", "has not answered", "unplug it"),
]


@pytest.mark.parametrize(("how", "state", "found", "fix"), DOCTORS)
def test_the_doctor_tries_the_accelerator(
    library: Path, monkeypatch: pytest.MonkeyPatch, how: str, state: str, found: str, fix: str
) -> None:
    """Whatever its library does, the doctor outlives it and says what to do."""
    monkeypatch.setattr(doctor_accelerator, "_PATIENCE_S", 6.0 if "hang" in how else 60.0)
    options = parser("faceage-camera").parse_args(["--delegate", f"{library},how={how}"])
    finding = doctor_accelerator.accelerator(options)
    assert (finding.state, found in finding.found, fix in finding.fix) == (state, True, True)


def test_the_doctor_knows_a_wrong_delegate() -> None:
    """By its form, and by its name; without one there is nothing to try."""
    for words, state in (
        ([], "absent"), (["--delegate", "a.so,b"], "broken"), (["--delegate", "a.so"], "broken"),
    ):  # fmt: skip
        options = parser("faceage-camera").parse_args(words)
        assert doctor_accelerator.accelerator(options).state == state


def test_of_two_the_first_has_the_age_model(library: Path, clip: Path, tmp_path: Path) -> None:
    """And the second the detector's two networks; one alone has all three."""
    both = [tmp_path / "first.so", tmp_path / "second.so"]
    for copy in both:
        shutil.copy(library, copy)
    given = [f"{copy},how=nothing,mark={copy}.models" for copy in both]
    words = [word for text in given for word in ("--delegate", text)]
    for named, taken in ((words, [1, 2]), (words[:2], [3])):
        with Running("--source", clip, *named) as run:
            assert run.process.wait(60) == 0, run.err
        assert {result["degraded"] for _, result in run.results} == {False}
        lists = [Path(f"{copy}.models") for copy in both[: len(taken)]]
        assert [len(path.read_text().splitlines()) for path in lists] == taken
        for path in lists:
            path.unlink()


@pytest.mark.parametrize(
    ("delegate", "code", "said", "note"),
    [
        ("/nowhere/libedgetpu.so.1", 1, "cannot be loaded", "no such library"),
        ("libc.so.6", 1, "is no LiteRT delegate", "another library"),
        ("libedgetpu.so.1,device", 2, "expected a library and options", "an option's value"),
        (",device=usb", 2, "expected a library and options", "no library"),
    ],
)
def test_a_wrong_name_is_an_error(
    clip: Path, delegate: str, code: int, said: str, note: str
) -> None:
    """What only the command line can cure is one message and an end."""
    with Running("--source", clip, "--delegate", delegate) as run:
        assert run.process.wait(30) == code, note
        run.until(lambda: said in run.err, 5)
    assert run.results == [] and run.err.count("error:") == 1, note


@pytest.mark.parametrize(
    ("how", "said"),
    [("refuse", "refuses"), ("prepare", "cannot prepare"), ("garbage", "computes wrongly")],
)
def test_without_a_supervisor_a_failure_is_an_error(
    library: Path, clip: Path, how: str, said: str
) -> None:
    """--no-supervisor hides nothing: code 1 and the message."""
    arguments = ("--source", clip, "--no-supervisor", "--delegate", f"{library},how={how}")
    with Running(*arguments) as run:
        assert run.process.wait(30) == 1
        run.until(lambda: said in run.err, 5)


@pytest.mark.parametrize(
    ("how", "said", "limit_s", "note"),
    [
        ("while", "killed by SIGABRT", 6, "it takes the process with it"),
        ("stall", "silent", 10, "a call into it never returns, Python's lock held"),
    ],
)
def test_an_accelerator_is_used_lost_and_found_again(
    library: Path,
    camera: dict[str, str],
    tmp_path: Path,
    how: str,
    said: str,
    limit_s: float,
    note: str,
) -> None:
    """Unplugged, the CPU goes on without it; plugged in, it is used again."""
    gone = tmp_path / "unplugged"
    delegate = f"{library},how={how},file={gone}"
    words = ("--source", 0, "--patience", 1, "--delegate", delegate, "--probe-every", 1)
    with Running(*words, env=camera) as run:
        run.until(lambda: len(run.results) > 3)
        assert run.results[-1][1]["degraded"] is False
        gone.touch()
        run.until(lambda: run.results[-1][1]["degraded"])
        assert said in run.err, note
        assert run.gap() < limit_s, note
        gone.unlink()
        run.until(lambda: not run.results[-1][1]["degraded"])
        assert "works again" in run.err
        assert run.stop() == 0


@pytest.mark.parametrize(("how", "degraded"), [("hang", False), ("refuse", True)])
def test_a_request_to_stop_meets_an_accelerator(
    library: Path, camera: dict[str, str], tmp_path: Path, how: str, degraded: bool
) -> None:
    """While it hangs at being opened the worker must be killed, code 1; while it is done without
    and tried again and again, code 0."""
    mark = tmp_path / "mark"
    words = ("--source", 0, "--patience", 1, "--probe-every", 0.1)
    with Running(*words, "--delegate", f"{library},how={how},mark={mark}", env=camera) as run:
        run.until(lambda: len(run.workers()) == 2 if degraded else mark.exists())
        assert run.stop() == (0 if degraded else 1), run.err
    assert "Traceback" not in run.err
