"""The Edge TPU compiler's output is read as it means; its files get contracts of their own.

The logs in `edge_tpu_logs` are written in the compiler's format (version 16), one of each kind.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from faceage_convert.conversion import Converted
from faceage_convert.edge_tpu import CompilerLog, compile_all, compiled_contract, parse_log
from faceage_edge.embedded import contract_bytes, model_digest, read_contract
from faceage_edge.errors import ModelFileError
from faceage_edge.loading import load_bundle
from faceage_models.float_source import FloatSource

LOGS = Path(__file__).with_name("edge_tpu_logs")
MIB = 1024**2


def _parsed(name: str) -> tuple[CompilerLog, ...]:
    return parse_log((LOGS / f"{name}.txt").read_text(encoding="utf-8"))


def test_whole() -> None:
    """Every operator is mapped; sizes come out in bytes."""
    (log,) = _parsed("whole")
    assert (log.model, log.output) == ("age.int8.tflite", "age.int8_edgetpu.tflite")
    assert log.version == "16.0.384591198"
    assert (log.on_chip_used, log.off_chip) == (round(2.12 * MIB), 0)
    assert (log.subgraphs, log.operators, log.on_cpu, log.problem) == (1, 29, 0, None)
    assert sum(row.count for row in log.rows) == 29


def test_partly() -> None:
    """Each reason for the CPU is kept in the compiler's own words."""
    (log,) = _parsed("partly")
    assert log.on_cpu == 6
    assert (log.on_chip_used, log.off_chip) == (512 * 1024, 64)
    reasons = {(row.operator, row.status) for row in log.rows if not row.mapped}
    assert ("CONV_2D", "More than one subgraph is not supported") in reasons
    assert ("Custom-Op", "Operation not supported") in reasons
    assert sum(row.count for row in log.rows) == log.operators == 34


def test_together() -> None:
    """Models that were compiled together have an entry each, and each its own table."""
    age, finder = _parsed("together")
    assert (age.model, finder.model) == ("age.int8.tflite", "finder.int8.tflite")
    assert [row.count for row in age.rows] == [29]
    assert [row.operator for row in finder.rows] == ["CONV_2D", "RESIZE_BILINEAR", "ADD"]
    assert age.on_chip_left is not None and finder.on_chip_left is not None
    assert finder.on_chip_left < age.on_chip_left


REFUSED = [
    ("float", "age.float32.tflite", "Model not quantized"),
    ("version", "dense.tflite", "Didn't find op for builtin opcode 'FULLY_CONNECTED' version '12'"),
    ("aborted", "", "Internal compiler error. Aborting!"),
]


@pytest.mark.parametrize(("name", "model", "problem"), REFUSED, ids=[case[0] for case in REFUSED])
def test_refused(name: str, model: str, problem: str) -> None:
    """A model that is not compiled says why."""
    (log,) = _parsed(name)
    assert (log.model, log.output, log.rows) == (model, None, ())
    assert log.problem is not None and problem in log.problem


def test_something_else() -> None:
    """What is no output of this compiler is not read as one."""
    with pytest.raises(ModelFileError, match="no output of edgetpu_compiler: found 'hello'"):
        parse_log("hello")


COMPILER = """#!/bin/sh
# Stands where the compiler stands: copies each model and tells of a whole compilation.
while [ $# -gt 0 ]; do case "$1" in -s) ;; -o) shift; out="$1" ;; *) set -- "$@" ; break ;; esac; shift; done
echo "Edge TPU Compiler version 16.0.384591198"
for model in "$@"; do
  name=$(basename "$model" .tflite)
  cp "$model" "$out/${name}_edgetpu.tflite"
  echo "Input model: $model"
  echo "Output model: $out/${name}_edgetpu.tflite"
  echo "On-chip memory used for caching model parameters: 1.00MiB"
  echo "Number of Edge TPU subgraphs: 1"
  echo "Total number of operations: 1"
done
"""  # noqa: E501


@pytest.fixture
def compiler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Something called edgetpu_compiler on the path."""
    folder = tmp_path / "bin"
    folder.mkdir()
    script = folder / "edgetpu_compiler"
    script.write_text(COMPILER)
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


@pytest.mark.slow
@pytest.mark.usefixtures("compiler")
def test_compiled_files_are_in_the_bundle(convert: Callable[..., Any], tmp_path: Path) -> None:
    """With the compiler on the path both files are there, one derived from the other."""
    out = tmp_path / "out"
    run = convert("--target", "coral", "--detector", "face-finder", "--out", out, "--json")
    assert run.code == 0, run.err
    report = json.loads(run.out)
    assert len(report["coral"]["compiler"]) == 3
    assert report["coral"]["bytes_on_chip"] < report["coral"]["budget"]
    name = "age-mobilenet-coral.int8"
    data = (out / "coral" / f"{name}_edgetpu.tflite").read_bytes()
    stated = json.loads((out / "coral" / f"{name}_edgetpu.json").read_text())["provenance"]
    source = read_contract((out / f"{name}.tflite").read_bytes(), name)
    assert stated["derived_from"] == source.model_digest
    assert stated["model_digest"] == model_digest(data)
    assert f"coral/{name}_edgetpu.tflite" in report["contents"]
    assert load_bundle(str(out)).age_path.name == f"{name}.tflite"


@pytest.mark.usefixtures("compiler")
def test_compiled_files_of_two_belong_together(
    write_pair: Callable[..., tuple[Path, Path]], tmp_path: Path
) -> None:
    """The second names the compiled first, whose digest is another than before."""
    script = tmp_path / "bin" / "edgetpu_compiler"
    copied = '"$out/${name}_edgetpu.tflite"\n'
    script.write_text(script.read_text().replace(copied, f"{copied}  printf '%64s' >> {copied}", 1))
    folder = tmp_path / "bundle"
    items = []
    for path in write_pair(folder):
        data = path.read_bytes()
        contract = read_contract(data, path.name)
        items.append(Converted(data, contract, FloatSource(data, contract, path)))
    first, second = items
    compile_all(folder, [second, first])
    told = [
        json.loads((folder / "coral" / f"{name}.int8_edgetpu.json").read_bytes())
        for name in ("pair-whole", "pair")
    ]
    assert told[1]["crop"]["of"] == told[0]["provenance"]["model_digest"]
    assert told[1]["crop"]["of"] != first.contract.model_digest
    assert told[0]["provenance"]["derived_from"] == second.contract.crop.of


def test_contract_of_a_compiled_file_reads(shipped: Any) -> None:
    """The sidecar is a contract about the compiled file and no other."""
    from faceage_convert.embed import without_contract

    data = shipped.age_int8.read_bytes()
    contract = read_contract(data, "age")
    bare = without_contract(data)
    (log,) = _parsed("whole")
    made = compiled_contract(contract, bare, log)
    assert read_contract(bare, "compiled", sidecar=contract_bytes(made)).scheme == "int8"
    assert made.provenance["edge_tpu"] == {
        "compiler": "16.0.384591198",
        "on_cpu": 0,
        "operators": 29,
    }


@pytest.mark.slow
def test_what_is_left_to_the_cpu_is_told(
    convert: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the compiler: a prediction, and a note that MTCNN's batch of eight does not map."""
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    run = convert("--target", "coral", "--detector", "mtcnn", "--out", tmp_path / "out")
    assert run.code == 0, run.err
    assert "note: the CPU would run mtcnn-rnet.int8.tflite, or part of it" in run.err
    assert "A prediction: `edgetpu_compiler` is not on the path." in run.out
