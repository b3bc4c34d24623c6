"""The fuzzer as a measurement: figures by hand, what it ends with, and a real run."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from faceage_benchmarks import fuzzing
from faceage_benchmarks.cli import main
from faceage_benchmarks.fuzzing import fuzz_figures
from faceage_benchmarks.result import bootstrap_settings

Recomputed = Callable[[Path], dict[str, Any]]

Samples = dict[str, dict[str, Any]]
SETTINGS = bootstrap_settings("turns")


def test_fuzz_by_hand(loop_samples: Samples) -> None:
    """The last row is the run; the files it began with are counted."""
    assert fuzz_figures(loop_samples["fuzz"], SETTINGS) == {
        "executions": 5,
        "seconds": 2.5,
        "executions_a_second": 2.0,
        "edges": 10,
        "findings": 0,
        "seed_bytes": 150,
    }


@pytest.mark.slow
def test_fuzz_runs(tmp_path: Path, recomputed: Recomputed) -> None:
    """The fuzzer's rows double until its end; its versions and seed are in the file."""
    out = tmp_path / "r.json"
    words = ["fuzz", "--target", "labels", "--executions", "500", "--seed", "4"]
    assert main([*words, "--json", str(out)]) == 0
    result = recomputed(out)
    progress = result["samples"]["progress"]["executions"]
    assert progress == [1, 2, 4, 8, 16, 32, 64, 128, 256, 500]
    assert (result["findings"], result["seeds"], result["quick"]) == (0, {"inputs": 4}, True)
    assert "numpy" in result["tools"]


FUZZERS = [
    # what stands in for the fuzzer, exit code, findings in the file or None for no file
    ("FOUND", 3, 1),
    ("import sys; sys.exit('broken')", 1, None),
]


@pytest.mark.parametrize(("program", "code", "findings"), FUZZERS)
def test_what_a_fuzzer_ends_with(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    program: str,
    code: int,
    findings: int | None,
    recomputed: Recomputed,
) -> None:
    """A finding is written and ends with 3; a fuzzer that breaks writes nothing."""
    found = (
        "import json, sys; row = dict(executions=5, seconds=1.0, edges=None); print(json.dumps("
        "dict(target='labels', engine='plain', seed=0, seed_files=[dict(sha256='a', bytes=1)], "
        "progress=[row], findings=['IndexError at x.py:3'], tools={}))); sys.exit(3)"
    )
    (tmp_path / "stand_in.py").write_text(found if program == "FOUND" else program)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(fuzzing, "_PROGRAM", "stand_in")
    out = tmp_path / "r.json"
    assert main(["fuzz", "--target", "labels", "--json", str(out)]) == code
    assert out.exists() == (findings is not None)
    if findings is not None:
        result = recomputed(out)
        assert (result["findings"], result["quick"]) == (findings, False)
