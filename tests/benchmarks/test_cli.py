"""Command lines, exit codes and messages of `faceage-benchmark`."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from faceage_benchmarks import cli
from faceage_benchmarks.result import write_result

Results = dict[str, dict[str, Any]]

USAGE = [
    # words, note
    ([], "no measurement"),
    (["speed"], "an unknown one"),
    (["accuracy", "--model", "m"], "no faces"),
    (["accuracy", "--model", "m", "--faces", "f"], "no file to write"),
    (["accuracy", "--model", "m", "--faces", "f", "--json", "o", "--crops", "tight"], "no crops"),
    (["accuracy", "--model", "m", "--faces", "f", "--json", "o", "--limit", "0"], "nobody"),
    (["latency"], "no model"),
    (["latency", "--model", "m", "--threads", "0"], "no thread"),
    (["latency", "--model", "m", "--runs", "many"], "no number"),
    (["detection", "--json", "o"], "no photos"),
    (["compare"], "no files"),
]


@pytest.mark.parametrize("words", [case[0] for case in USAGE], ids=[case[1] for case in USAGE])
def test_usage_errors(words: list[str]) -> None:
    """A command line that cannot be meant ends with exit code 2."""
    with pytest.raises(SystemExit) as caught:
        cli.main(words)
    assert caught.value.code == 2


@pytest.mark.parametrize("words", [["accuracy"], ["latency"], ["detection"], ["compare"], []])
def test_every_command_has_help(words: list[str], capsys: Any) -> None:
    """--help describes each measurement and ends well."""
    with pytest.raises(SystemExit) as caught:
        cli.main([*words, "--help"])
    assert caught.value.code == 0
    assert "usage: faceage-benchmark" in capsys.readouterr().out


ERRORS = [
    # words (TMP holds junk.tflite, junk.json, bare.keras and an empty folder), code, message, note
    (["latency", "--model", "TMP/none.tflite"], 1, "none.tflite", "no model"),
    (["latency", "--model", "TMP/junk.tflite"], 1, "junk.tflite", "no TFLite file"),
    (["latency", "--model", "TMP"], 1, "folder", "a folder"),
    (["latency", "--model", "TMP/bare.keras"], 1, "is not a Keras file", "no Keras, no contract"),
    (
        ["latency", "--model", "TMP/bare.keras", "--contract", "TMP/none.json"],
        1,
        "name one with --contract FILE",
        "a contract that is not there",
    ),
    (["latency", "--model", "M", "--loads", "1"], 2, "--loads", "one load"),
    (["latency", "--model", "M", "--json", "TMP/no/r.json"], 1, "TMP/no", "no folder"),
    (["latency", "--model", "M", "--json", "TMP"], 1, "is a folder", "a folder to write"),
    (["accuracy", "--model", "M", "--faces", "TMP/no", "--json", "TMP/r.json"], 1, "no", "no set"),
    (
        ["accuracy", "--model", "M", "--faces", "TMP/empty", "--json", "TMP/r.json"],
        1,
        "is empty",
        "an empty set",
    ),
    (
        ["accuracy", "--model", "M", "--faces", "TMP", "--json", "r.json", "--csv", "TMP/no/f.csv"],
        1,
        "TMP/no",
        "a table that cannot be written",
    ),
    (["detection", "--photos", "TMP/no", "--json", "TMP/r.json"], 1, "folder", "no photos"),
    (["compare", "TMP/junk.json"], 2, "two or more", "one file"),
    (["compare", "TMP/junk.json", "TMP/junk.json"], 1, "junk.json", "no result files"),
]


@pytest.mark.parametrize(("words", "code", "message", "note"), ERRORS)
def test_errors(
    shipped: Any,
    tmp_path: Path,
    capsys: Any,
    words: list[str],
    code: int,
    message: str,
    note: str,
) -> None:
    """Each mistake ends with its exit code and one message that names it, nothing on stdout."""
    (tmp_path / "empty").mkdir()
    for name in ("junk.tflite", "junk.json", "bare.keras"):
        (tmp_path / name).write_text("{ this is nothing of ours")
    filled = [
        str(shipped.age_int8) if word == "M" else word.replace("TMP", str(tmp_path))
        for word in words
    ]
    assert cli.main(filled) == code, note
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("faceage-benchmark: error: ")
    assert message.replace("TMP", str(tmp_path)) in captured.err
    assert not (tmp_path / "r.json").exists()


def _files(results: Results, tmp_path: Path, *names: str) -> list[str]:
    paths = []
    for name in names:
        path = tmp_path / f"{name.replace(', ', '-').replace(' ', '-')}.json"
        write_result(path, results[name])
        paths.append(str(path))
    return paths


def test_compare(results: Results, tmp_path: Path, capsys: Any) -> None:
    """Two accuracy files become one Markdown table, and the same faces a paired difference."""
    paths = _files(results, tmp_path, "exact ages, one model", "exact ages, two models")
    assert cli.main(["compare", *paths]) == 0
    text = capsys.readouterr().out
    assert text.startswith("| ")
    assert "| exact-ages-one-model " in text.splitlines()[0]
    assert "| MAE, years " in text
    assert "same 40 faces, whole pipelines: error +0.000 years" in text


def test_compare_refuses_different_kinds(results: Results, tmp_path: Path, capsys: Any) -> None:
    """Years and milliseconds do not stand in one table."""
    assert cli.main(["compare", *_files(results, tmp_path, "demo", "detection")]) == 1
    assert "different kinds" in capsys.readouterr().err


def test_latency_needs_the_device_packages_only(shipped: Any) -> None:
    """Timing a .tflite imports no TensorFlow, Keras, quantizer or scikit-image."""
    words = f"latency --seconds 0 --runs 2 --loads 2 --model {shipped.age_int8}"
    program = f"""
import sys
from faceage_benchmarks.cli import main
code = main({words.split()!r})
heavy = {{"tensorflow", "keras", "ai_edge_quantizer", "skimage", "mtcnn", "matplotlib"}}
imported = heavy & set(sys.modules)
sys.exit(f"imported {{imported}}" if imported else code)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
