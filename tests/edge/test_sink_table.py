"""Sinks as the command line names them: several at once, and what cannot be is said first."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.edge.results import PICTURE, face, result

from faceage_edge import camera
from faceage_edge.camera_options import parser
from faceage_edge.frames import CameraRequest
from faceage_edge.result import FrameResult
from faceage_edge.sink_table import open_sinks
from faceage_edge.sinks import Sink
from faceage_edge.sources import open_source


@pytest.fixture
def clip(write_clip: Callable[[list[Any]], Path]) -> Path:
    """Three frames of noise, in which there is no face."""
    random = np.random.default_rng(0)
    return write_clip([random.integers(0, 256, (120, 160, 3), dtype=np.uint8) for _ in range(3)])


def test_sinks_are_combined(clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Files, servers and stdout at once; where servers listen is said."""
    targets = {name: tmp_path / name for name in ("a.csv", "e.jsonl", "seen.png")}
    words = ["--source", str(clip), "--csv", str(targets["a.csv"])]
    words += ["--events", str(targets["e.jsonl"]), "--annotate", str(targets["seen.png"])]
    words += ["--preview", "0", "--metrics", "0", "--mqtt", "mqtt://127.0.0.1:9/hall"]
    assert camera.main(words) == 0
    out, err = capsys.readouterr()
    assert [json.loads(line)["frame"] for line in out.splitlines()] == [0, 1, 2]
    assert all(path.is_file() for path in targets.values())
    assert "preview on http://127.0.0.1:" in err
    assert "metrics on http://127.0.0.1:" in err
    # Nobody listens there: the run is none the worse, and its end says so.
    assert "--mqtt 127.0.0.1:9: cannot be reached" in err


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["--csv", "{clip}"], 2, "--csv {clip} would replace the source"),
        (["--events", "{clip}"], 2, "--events {clip} would replace the source"),
        (["--preview", "0.0.0.0:8000"], 2, "--preview-token"),
        (["--preview", "web"], 2, "--preview web is no address"),
        (["--metrics", "host:"], 2, "--metrics host: is no address"),
        (["--mqtt", "http://broker"], 2, "expected mqtt://"),
        (["--csv", "{clip}/none.csv"], 1, "is no folder"),
    ],
)
def test_what_cannot_be_is_said_before_any_work(
    clip: Path, capsys: pytest.CaptureFixture[str], words: list[str], code: int, message: str
) -> None:
    """One line, and the clip is as it was."""
    before = clip.read_bytes()
    given = [word.format(clip=clip) for word in words]
    assert camera.main(["--source", str(clip), *given]) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert message.format(clip=clip) in err
    assert err.count("\n") == 1
    assert clip.read_bytes() == before


def test_a_token_may_stand_in_the_environment(
    clip: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where no list of processes shows it; it is not repeated in any message."""
    monkeypatch.setenv("FACEAGE_PREVIEW_TOKEN", "abcdef0123456789")
    assert camera.main(["--source", str(clip), "--preview", "0.0.0.0:0"]) == 0
    err = capsys.readouterr().err
    assert "?token=..." in err
    assert "abcdef0123456789" not in err


@pytest.mark.parametrize("words", [[], ["--gender"]])
def test_sinks_know_whether_gender_is_asked_for(
    clip: Path, tmp_path: Path, words: list[str]
) -> None:
    """From the option: a CSV's columns are settled before any face is seen."""
    target = tmp_path / "a.csv"
    options = parser("test").parse_args(["--source", str(clip), "--csv", str(target), *words])
    with open_source(str(clip), CameraRequest()) as source:
        _, table = open_sinks(options, source, sys.stdout, FrameResult.to_json, print)
        with table:
            pass
    assert target.read_text().rstrip().endswith(",gender,gender_share" if words else ",answer")


def test_every_sink_takes_the_same_result(tmp_path: Path) -> None:
    """The document that answers a threshold reaches CSV as well."""
    from faceage_edge.csv_sink import CsvTable

    def document(given: Any) -> dict[str, Any]:
        made: dict[str, Any] = given.to_json()
        for entry in made["faces"]:
            entry |= {"over": 0.5, "answer": "challenge"}
        return made

    sink: Sink = CsvTable(tmp_path / "a.csv", document)
    with sink:
        sink.write(result(0, face()), PICTURE)
    assert (tmp_path / "a.csv").read_text().splitlines()[1].endswith(",0.5,challenge")
