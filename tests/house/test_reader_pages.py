"""The pages for makers, engineers and researchers: every command and every file in them is tried.

A shell block must parse as shell, and each of our commands in it by that command's own parser.
They are run by test_reader_commands.py and test_other_commands.py.
"""

import argparse
import re
import shlex
import shutil
import subprocess
import tomllib
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest

from faceage_edge import camera
from faceage_edge.camera_options import parser
from faceage_edge.config_file import parse_with_config

ROOT = Path(__file__).resolve().parents[2]
NAMES = ("maker", "engineer", "researcher")
PAGES = {name: (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8") for name in NAMES}
PAGES |= {"commands": (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")}
PAGES |= {"README": (ROOT / "README.md").read_text(encoding="utf-8")}
SCRIPTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]


def blocks(language: str) -> list[tuple[str, str]]:
    """Every fenced block of a language, with its page."""
    pattern = rf"^```{language}\n(.*?)^```$"
    return [
        (name, block.replace("\\\n", " "))
        for name, page in PAGES.items()
        for block in re.findall(pattern, page, re.MULTILINE | re.DOTALL)
    ]


def ours() -> list[tuple[str, str]]:
    """Every command of ours in them, without the folder it is in."""
    found = []
    for page, block in blocks("sh"):
        for line in block.splitlines():
            match = re.match(r"(?:\S*/)?(faceage-[a-z]+\b.*)", line)
            if match is not None:
                found.append((page, match[1].split(" #")[0].strip()))
    return found


class Parsed(BaseException):
    """Raised behind the parser, so that nothing is done."""


@pytest.mark.parametrize(("page", "block"), blocks("sh"))
def test_shell_blocks_are_shell(page: str, block: str) -> None:
    """As bash reads them."""
    done = subprocess.run(["bash", "-n"], input=block, text=True, capture_output=True, check=False)
    assert done.returncode == 0, f"{page}: {done.stderr}"


@pytest.mark.parametrize(("page", "line"), ours())
def test_our_commands_parse(
    page: str, line: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """By their own parsers: option names, kinds of values, what is required."""
    real = argparse.ArgumentParser.parse_args

    def parse_only(self: argparse.ArgumentParser, *arguments: Any, **named: Any) -> NoReturn:
        real(self, *arguments, **named)
        raise Parsed

    monkeypatch.chdir(tmp_path)
    # The configuration that a page shows is tried below.
    (tmp_path / "camera.toml").write_text("")
    # What the shell would put there is a text.
    name, *words = shlex.split(re.sub(r"\$\(.*?\)", "abcdef0123456789", line.split(" > ")[0]))
    module, function = SCRIPTS[name].split(":")
    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", parse_only)
    with pytest.raises(Parsed):
        getattr(import_module(module), function)(words)


@pytest.mark.parametrize(("page", "text"), blocks("toml"))
def test_configurations_are_understood(page: str, text: str, tmp_path: Path) -> None:
    """Every key is an option and every value fits it; the sinks they name can be opened."""
    path = tmp_path / "camera.toml"
    path.write_text(text, encoding="utf-8")
    options = parse_with_config(parser("faceage-camera"), ["--config", str(path)])
    assert options.source
    for key in tomllib.loads(text):
        assert getattr(options, key.replace("-", "_")) is not None, page


INSTALL = [
    line
    for page, block in blocks("sh")
    for line in block.splitlines()
    if "pip install" in line or "pip download" in line
]


@pytest.mark.parametrize("line", INSTALL)
def test_what_pip_is_given_is_there(line: str) -> None:
    """Constraint files exist, and extras are of this project."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for name in re.findall(r"constraints/\S+", line):
        assert (ROOT / name).is_file()
    for group in re.findall(r"\[([\w,]+)\]", line):
        assert set(group.split(",")) <= set(extras["optional-dependencies"])


@pytest.mark.parametrize("pins", ["device.txt", "device-bookworm.txt"])
def test_the_opencv_with_windows_is_pinned_like_the_other(pins: str) -> None:
    """One takes the other's place and must not bring another numpy."""
    lines = (ROOT / "constraints" / pins).read_text(encoding="utf-8").splitlines()
    found = dict(line.split("==") for line in lines if "==" in line and not line.startswith("#"))
    assert found["opencv-python"] == found["opencv-python-headless"]


@pytest.mark.slow
def test_a_camera_is_recorded_as_the_page_says(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    write_clip: Callable[[list[Any]], Path],
    walking_face: list[Any],
) -> None:
    """The researcher's command, on a clip with a face: rows, events, and the intervals."""
    write_clip(walking_face)
    monkeypatch.chdir(tmp_path)
    (line,) = [line for page, line in ours() if page == "researcher" and "--csv" in line]
    words = shlex.split(line.split(" > ")[0])[1:]
    assert camera.main([*words, "--min-face", "40"]) == 0
    rows = np.genfromtxt(tmp_path / "ages.csv", delimiter=",", names=True, usecols=range(11))
    assert len(rows) == len(walking_face)
    assert (rows["age_low"] < rows["age"]).all()
    assert (tmp_path / "events.jsonl").read_text().count('"leave"') == 1


@pytest.mark.slow
def test_a_model_is_exchanged_as_the_page_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The engineer's command, with another shipped model in place of the new one."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(ROOT / "models/age-tiny/age-tiny.int8.tflite", tmp_path / "age-2.int8.tflite")
    (line,) = [line for page, line in ours() if page == "engineer" and "--install-model" in line]
    assert camera.main(shlex.split(line)[1:]) == 0
    assert (tmp_path / "models" / "age-2.int8.tflite").is_file()
