"""`start.py`: what it says where it cannot work, and when it installs again."""

import ast
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

PYTHONS_TOO_OLD = ["2.7", "3.6", "3.8", "3.10"]


@pytest.fixture
def start(repo_root: Path) -> ModuleType:
    """start.py as a module of its own for each test, so that its functions can be replaced."""
    spec = importlib.util.spec_from_file_location("start", repo_root / "start.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def interpreter(version: str) -> str | None:
    """Find an interpreter of one minor version on the PATH or among pyenv's; it has to start."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    candidates = [shutil.which(f"python{version}"), *sorted(pyenv.glob(f"{version}.*/bin/python"))]
    for candidate in filter(None, candidates):
        works = subprocess.run([str(candidate), "-c", ""], capture_output=True, check=False)
        if works.returncode == 0:
            return str(candidate)
    return None


def test_parses_on_old_pythons(repo_root: Path) -> None:
    """start.py is plain ASCII and holds no syntax newer than Python 3.6, and no annotations."""
    source = (repo_root / "start.py").read_bytes().decode("ascii")
    tree = ast.parse(source, feature_version=(3, 6))
    newer_than_27 = (
        ast.JoinedStr,
        ast.AnnAssign,
        ast.Nonlocal,
        ast.YieldFrom,
        ast.AsyncFunctionDef,
    )
    assert [node for node in ast.walk(tree) if isinstance(node, newer_than_27)] == []
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    for function in functions:
        arguments = [*function.args.args, *function.args.kwonlyargs]
        assert function.returns is None, function.name
        assert function.args.kwonlyargs == [], function.name
        assert [a.arg for a in arguments if a.annotation] == [], function.name


@pytest.mark.parametrize("version", PYTHONS_TOO_OLD)
def test_old_python_gets_one_message(repo_root: Path, tmp_path: Path, version: str) -> None:
    """An unsupported Python ends with exit code 1 and a message that says which ones serve."""
    python = interpreter(version)
    if python is None:
        pytest.skip(f"no Python {version} here")
    script = shutil.copy(repo_root / "start.py", tmp_path)
    done = subprocess.run([python, script, "demo"], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith(f"start.py: this is Python {version}.")
    assert "needs Python 3.11, 3.12 or 3.13" in done.stderr
    assert "Traceback" not in done.stderr
    assert [path.name for path in tmp_path.iterdir() if path.suffix != ".pyc"] == ["start.py"]


UNSUPPORTED = [
    ("python3.12", r"run `python3\.12 .* demo`", "one on the PATH is named, to be typed instead"),
    ("none", "apt install python3 python3-venv", "without one, the packages to install are named"),
]


@pytest.mark.parametrize(("present", "told", "note"), UNSUPPORTED)
def test_old_python_names_the_fix(
    start: ModuleType, monkeypatch: pytest.MonkeyPatch, present: str, told: str, note: str
) -> None:
    """The message for an unsupported Python says what to run or install."""
    monkeypatch.setattr(sys, "version_info", (3, 14, 0))
    monkeypatch.setattr(start, "starts", lambda name: name == present)
    with pytest.raises(start.SetupError, match=told):
        start.check_python(["demo"])


@pytest.mark.parametrize("module", ["venv", "ensurepip"])
def test_missing_venv_module_gets_one_message(repo_root: Path, tmp_path: Path, module: str) -> None:
    """A Python without venv or ensurepip, as on Debian, is told the package to install."""
    script = shutil.copy(repo_root / "start.py", tmp_path)
    # None in sys.modules is how Python itself marks a module that cannot be imported.
    code = (
        f"import runpy, sys; sys.modules[{module!r}] = None; "
        f"sys.argv = ['start.py', 'demo']; runpy.run_path({str(script)!r}, run_name='__main__')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "apt install python3-venv" in done.stderr
    assert "Traceback" not in done.stderr


def test_foreign_environment_is_left_alone(start: ModuleType, tmp_path: Path) -> None:
    """A folder that start.py did not make is refused and keeps its content."""
    (tmp_path / "pyvenv.cfg").write_text("theirs")
    with pytest.raises(start.SetupError, match="was not made by start"):
        start.prepare(str(tmp_path), start.JOBS["demo"])
    assert [path.name for path in tmp_path.iterdir()] == ["pyvenv.cfg"]


def test_full_disk_is_seen_before_downloading(
    start: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Too little free space is one message with both sizes, and nothing is written."""
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=10**8))
    with pytest.raises(start.SetupError, match=r"has 0\.1 GB free and 1\.5 GB are needed"):
        start.prepare(str(tmp_path / "new" / "venv"), start.JOBS["demo"])
    assert list(tmp_path.iterdir()) == []


def test_unwritable_place_is_one_message(
    start: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A place that cannot be written is named, with the option that names another."""
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setattr(start, "check_disk", lambda venv, job: None)
    with pytest.raises(start.SetupError, match=r"(?s)file.*--venv DIR"):
        start.prepare(str(tmp_path / "file" / "venv"), start.JOBS["demo"])


PIP_FAILURES = [
    ("OSError: [Errno 28] No space left on device", "disk is full", "during unpacking"),
    (
        "WARNING: Retrying (Retry(total=4)) after connection broken by 'NewConnectionError(...: "
        "Temporary failure in name resolution)'\nERROR: No matching distribution found for numpy",
        "could not be reached",
        "without a network pip ends by saying no distribution matches",
    ),
    ("ERROR: No matching distribution found for x", "no build for this machine", "e.g. musl"),
    ("ERROR: something new", "ERROR: something new", "unknown causes keep pip's words"),
]


@pytest.mark.parametrize(("said", "told", "note"), PIP_FAILURES)
def test_failed_installation_in_plain_words(
    start: ModuleType, tmp_path: Path, said: str, told: str, note: str
) -> None:
    """What pip printed becomes a cause the user can act on, and its words are kept in a file."""
    message = start.explain(str(tmp_path), said.splitlines(keepends=True))
    assert told in message, note
    assert str(tmp_path / start.LOG) in message
    assert (tmp_path / start.LOG).read_text() == said


@pytest.fixture
def recorded(
    start: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[str, list[list[str]]]:
    """An environment folder, and the extras of each installation into it, pip itself replaced."""
    installed: list[list[str]] = []
    monkeypatch.setattr(start, "create", lambda venv: Path(venv).mkdir())
    monkeypatch.setattr(start, "starts", lambda python: True)
    monkeypatch.setattr(start, "check_disk", lambda venv, job: None)
    monkeypatch.setattr(start, "install", lambda venv, extras, job: installed.append(extras))
    return str(tmp_path / "venv"), installed


def test_second_run_installs_nothing(
    start: ModuleType, recorded: tuple[str, list[list[str]]]
) -> None:
    """An environment that is up to date is used as it is."""
    venv, installed = recorded
    for _ in range(2):
        start.prepare(venv, start.JOBS["demo"])
    assert installed == [["demo"]]


def test_changed_pins_install_again(
    start: ModuleType, recorded: tuple[str, list[list[str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A change of pyproject.toml or the pins installs again into the same environment."""
    venv, installed = recorded
    start.prepare(venv, start.JOBS["demo"])
    monkeypatch.setattr(start, "digest", lambda: "changed")
    start.prepare(venv, start.JOBS["demo"])
    assert installed == [["demo"], ["demo"]]


def test_extras_add_up(start: ModuleType, recorded: tuple[str, list[list[str]]]) -> None:
    """After `test`, `demo` finds its packages there, and neither removes what the other needs."""
    venv, installed = recorded
    start.prepare(venv, start.JOBS["demo"])
    start.prepare(venv, start.JOBS["test"])
    start.prepare(venv, start.JOBS["demo"])
    assert installed == [["demo"], ["bench", "dask", "demo", "dev", "qat"]]


def test_stamp_cut_short_is_made_again(
    start: ModuleType, recorded: tuple[str, list[list[str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that ended before its stamp was complete is known as ours and starts over."""
    venv, installed = recorded
    Path(venv).mkdir()
    (Path(venv) / start.STAMP).write_text('{"ma')
    monkeypatch.setattr(start, "create", lambda venv: None)
    start.prepare(venv, start.JOBS["demo"])
    assert installed == [["demo"]]
    assert json.loads((Path(venv) / start.STAMP).read_text())["extras"] == ["demo"]


def test_children_see_no_settings_of_python(
    start: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Jobs run as on a machine where nobody set PYTHONPATH, PYTHONUNBUFFERED and the like."""
    monkeypatch.setenv("PYTHONPATH", "elsewhere")
    monkeypatch.setenv("PYTHONUNBUFFERED", "1")
    variables = start.environment("venv")
    assert {key for key in variables if key.startswith("PYTHON")} == {"PYTHONNOUSERSITE"}
    assert variables["PATH"].startswith(str(Path("venv", "bin")))


def test_first_failure_is_the_exit_code(
    start: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """All checks run; the exit code is the first failed one's, and every failed one is named."""
    ran: list[list[str]] = []
    codes = iter([0, 7, 0, 1, 5])

    def run(venv: str, command: list[str]) -> int:
        ran.append(command)
        return next(codes)

    monkeypatch.setattr(start, "run", run)
    arguments = SimpleNamespace(venv="venv", fast=True, pytest=["-x"])
    assert start.run_checks(arguments) == 7
    assert len(ran) == 5
    assert ran[-1][:2] == ["-m", "pytest"]
    assert ran[-1][-3:] == ["-m", "not slow", "-x"]
    names = re.findall(r"start.py: (\w+) failed", capsys.readouterr().err)
    assert names == ["lint", "imports", "tests"]
