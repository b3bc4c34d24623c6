"""Readers of other people's bytes stand a few thousand spoiled files, without atheris."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from faceage_convert import fuzz as fuzzing
from faceage_convert import fuzz_guided
from faceage_convert.fuzz import fuzz, main
from faceage_convert.fuzz_mutations import Mutator
from faceage_convert.fuzz_outcome import Progress
from faceage_convert.fuzz_targets import TARGETS, Target
from faceage_edge.errors import ModelFileError
from faceage_models.tflite_graph import load_graph

# So many that each takes a second or two; the command runs a million.
RUNS = [("tflite", 300), ("contract", 2000), ("labels", 3000)]


@pytest.mark.parametrize(("name", "executions"), RUNS, ids=[case[0] for case in RUNS])
def test_small_corpus(name: str, executions: int) -> None:
    """Nothing but our own errors comes out, and nothing hangs."""
    found = fuzz(name, executions=executions, seconds=60, seed=1)
    assert found.findings == ()
    assert found.executions > 0


@pytest.mark.parametrize("name", TARGETS)
def test_seeds_are_read(name: str) -> None:
    """Inputs begin with whole files, so that what is behind the first check is reached too."""
    for data in TARGETS[name].seeds():
        TARGETS[name].run(data)


def test_mutations_repeat() -> None:
    """The same seed gives the same inputs, and they differ from each other."""
    one, other = (Mutator([bytes(range(64))], 3) for _ in "12")
    first = [one.next() for _ in range(50)]
    assert first == [other.next() for _ in range(50)]
    assert len(set(first)) > 40


def _broken(data: bytes) -> None:
    if b"bad" in data:
        raise IndexError("a reader's mistake")


def test_finding_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A planted mistake is found, told with its place, and its input kept; the code is 3."""
    planted = {"labels": Target(_broken, lambda: [b"a bad file"])}
    monkeypatch.setattr(fuzzing, "TARGETS", planted)
    folder = tmp_path / "found"
    words = ["--target", "labels", "--executions", "50", "--findings", str(folder), "--json"]
    assert main(words) == 3
    printed = capsys.readouterr()
    assert "IndexError at test_fuzz.py" in printed.err
    document = json.loads(printed.out)
    assert "a reader's mistake" in document["findings"][0]
    assert document["progress"][-1]["executions"] == 50
    assert document["seed_files"] == [
        {"sha256": hashlib.sha256(b"a bad file").hexdigest(), "bytes": 10}
    ]
    (kept,) = folder.iterdir()
    assert b"bad" in kept.read_bytes()


LIBFUZZER = """INFO: Using built-in libfuzzer
#2\tINITED cov: 100 ft: 120 corp: 2/70Kb exec/s: 0 rss: 90Mb
#3\tNEW    cov: 101 ft: 125 corp: 3/71Kb lim: 4 exec/s: 0 rss: 90Mb L: 4/4 MS: 1 ChangeByte-
#7\tREDUCE cov: 130 ft: 160 corp: 4/71Kb lim: 4 exec/s: 0 rss: 90Mb L: 4/4 MS: 1 ChangeByte-
#8\tpulse  cov: 131 ft: 161 corp: 4/71Kb lim: 4 exec/s: 4 rss: 90Mb
 === Uncaught Python exception: ===
IndexError: a reader's mistake
stat::number_of_executed_units: 11
stat::average_exec_per_sec:     5
"""


def test_libfuzzers_lines_are_followed() -> None:
    """A row whenever its executions doubled, the total at the end, and its error is found."""
    progress = Progress()
    said = fuzz_guided._watch(LIBFUZZER.splitlines(keepends=True), progress)
    rows = [(row.executions, row.edges) for row in progress.rows()]
    assert rows == [(2, 100), (7, 130), (11, 131)]
    assert fuzz_guided._last_error(said) == "IndexError: a reader's mistake"


def _shape_left_out(tree: Any) -> None:
    graph = tree.subgraphs[0]
    graph.tensors[graph.operators[0].inputs[1]].shape = None


def _no_weights(tree: Any) -> None:
    operator = tree.subgraphs[0].operators[0]
    operator.inputs = operator.inputs[:1]


def _tensor_beyond(tree: Any) -> None:
    tree.subgraphs[0].operators[0].inputs = [0, 1, 9999]


# What fuzzing found, made again by name.
FOUND = [
    (_shape_left_out, "weights without a shape"),
    (_no_weights, "a convolution of one input"),
    (_tensor_beyond, "a tensor that does not exist"),
]


@pytest.mark.parametrize(("change", "note"), FOUND, ids=[case[1] for case in FOUND])
def test_found_once(
    age_float_bytes: bytes,
    edited: Callable[..., bytes],
    change: Callable[[Any], None],
    note: str,
) -> None:
    """Each was a traceback, and is an error of ours now."""
    TARGETS["tflite"].run(edited(age_float_bytes, change))


def test_offset_that_only_the_schema_follows(age_float_bytes: bytes) -> None:
    """An offset in a field that the device's reader skips is damage to the host's too."""
    data = bytearray(age_float_bytes)
    # The model's description, a text that nothing here reads, told to lie beyond the file.
    root = int.from_bytes(data[:4], "little")
    vtable = root - int.from_bytes(data[root : root + 4], "little", signed=True)
    field = int.from_bytes(data[vtable + 10 : vtable + 12], "little")
    assert field, "the file has no description to spoil"
    data[root + field : root + field + 4] = (1 << 30).to_bytes(4, "little")
    with pytest.raises(ModelFileError, match="is damaged"):
        load_graph(bytes(data))
    TARGETS["tflite"].run(bytes(data))
