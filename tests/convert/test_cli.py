"""The command as a user meets it: what it prints, what it leaves, and how it stops."""

import json
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from faceage_convert import cli
from faceage_convert.bundle import list_files
from faceage_edge.bundles import DEFAULT_AGE, find_age

Convert = Callable[..., Any]


@pytest.fixture
def words(write_model: Callable[..., Path], write_faces: Callable[..., Path]) -> list[object]:
    """Arguments that convert the bare shipped model on drawn faces."""
    return ["--model", write_model(), "--faces", write_faces(26), "--crops", "aligned"]


def test_output(convert: Convert, words: list[object], tmp_path: Path) -> None:
    """The report goes to stdout, progress and the next step to stderr."""
    out = tmp_path / "my bundle"
    run = convert(*words, "--out", out)
    assert run.code == 0
    assert run.out == (out / "report.md").read_text() + "\n"
    assert "recording ranges: 20 of 20" in run.err
    last = run.err.splitlines()[-1]
    assert last.endswith(f"faceage-camera --models {shlex.quote(str(out))} --source 0")


def test_json(convert: Convert, tmp_path: Path) -> None:
    """`--json` prints one object on one line, the same as report.json holds."""
    run = convert("--quantize", "none", "--out", tmp_path / "out", "--json")
    assert len(run.out.splitlines()) == 1
    assert json.loads(run.out) == json.loads((tmp_path / "out" / "report.json").read_text())


def test_second_run_replaces_the_first(
    convert: Convert, write_model: Callable[..., Path], tmp_path: Path
) -> None:
    """The same command again works, and leaves nothing of the first run."""
    words, out = ("--model", write_model(), "--quantize", "none"), tmp_path / "out"
    assert convert(*words, "--name", "first", "--out", out).code == 0
    assert convert(*words, "--name", "second", "--out", out).code == 0
    names = list_files(out)
    assert "second.float32.tflite" in names
    assert not any(name.startswith("first") for name in names)


STAGES = [
    ("import_float", "reading the model"),
    ("choose_faces", "reading the faces"),
    ("convert_own", "converting"),
    ("convert_shipped", "converting the detector"),
    ("write_models", "writing"),
    ("report_text", "writing the report"),
    ("report_page", "writing the page"),
    ("fingerprint", "comparing with the earlier bundle"),
]


@pytest.mark.parametrize(("step", "note"), STAGES, ids=[stage[1] for stage in STAGES])
def test_interrupted(
    convert: Convert,
    words: list[object],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    step: str,
    note: str,
) -> None:
    """Ctrl-C at any stage: exit code 130, no traceback, the earlier bundle whole, nothing else."""
    out = tmp_path / "out"
    out.mkdir()
    (out / "report.json").write_text('{"contents": ["report.json"]}')
    before = sorted(tmp_path.rglob("*"))

    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, step, stop)
    run = convert(*words, "--out", out)
    assert run.code == 130
    assert run.err.splitlines()[-1] == "faceage-convert: interrupted"
    assert "Traceback" not in run.err
    assert sorted(tmp_path.rglob("*")) == before


def test_disk_fills_up(
    convert: Convert, words: list[object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk while writing is one message, and leaves no folder."""

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(cli, "write_models", fail)
    before = sorted(tmp_path.rglob("*"))
    run = convert(*words, "--out", tmp_path / "out")
    assert run.code == 1
    assert "No space left on device" in run.err
    assert "Traceback" not in run.err
    assert sorted(tmp_path.rglob("*")) == before


def test_float_file_of_an_own_model(
    convert: Convert, write_model: Callable[..., Path], tmp_path: Path
) -> None:
    """`--quantize none` needs no faces, and names the file by what it holds."""
    out = tmp_path / "out"
    run = convert("--model", write_model(), "--quantize", "none", "--out", out)
    assert run.code == 0, run.err
    report = json.loads((out / "report.json").read_text())
    assert report["files"][0]["file"] == "mine.float32.tflite"
    assert report["files"][0]["scheme"] == "float32"
    assert not (out / "float").exists()


def test_shipped_name_as_a_model(convert: Convert, tmp_path: Path) -> None:
    """A shipped model may be named instead of a path."""
    name = "age-mobilenet-coral/age-mobilenet-coral.float32.tflite"
    run = convert("--model", name, "--quantize", "none", "--out", tmp_path / "out")
    assert run.code == 0, run.err


def test_a_shipped_model_by_its_name(convert: Convert, tmp_path: Path) -> None:
    """The name alone is enough: its recorded ranges come with it, or its float file is written."""
    out = tmp_path / "int8"
    run = convert("--model", DEFAULT_AGE, "--out", out)
    assert run.code == 0, run.err
    named = out / f"{DEFAULT_AGE}.int8.tflite"
    assert named.read_bytes() == find_age(DEFAULT_AGE).read_bytes()
    run = convert("--model", DEFAULT_AGE, "--quantize", "none", "--out", tmp_path / "float")
    assert run.code == 0, run.err
    assert (tmp_path / "float" / f"{DEFAULT_AGE}.float32.tflite").is_file()
    run = convert("--model", DEFAULT_AGE, "--count", "300", "--out", tmp_path / "more")
    assert run.code == 2 and "needs --faces" in run.err
    run = convert("--model", "nowhere", "--quantize", "none", "--out", tmp_path / "more")
    assert run.code == 1 and DEFAULT_AGE in run.err


def test_help_names_every_scheme(convert: Convert) -> None:
    """--help answers, exit code 0."""
    run = convert("--help")
    assert run.code == 0
    assert "{int8,int8-float-io,int16x8,dynamic,float16,none}" in run.out
