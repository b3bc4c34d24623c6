"""What a model is called on the command line of a measurement."""

import shutil
import subprocess
from pathlib import Path

import pytest
from tests.edge.faults import running

from faceage_benchmarks import cli
from faceage_benchmarks.boards import missing_boards
from faceage_benchmarks.opened import open_model, parsed
from faceage_benchmarks.result import read_result
from faceage_edge.bundles import DEFAULT_AGE, find_age
from faceage_edge.errors import ModelFileError, UsageError


def test_a_shipped_model_by_its_name() -> None:
    """The name means the int8 file; another file is named by its path."""
    identity = open_model(DEFAULT_AGE).identity
    assert (identity["path"], identity["scheme"]) == (DEFAULT_AGE, "int8")
    assert identity["digest"] == open_model(str(find_age(DEFAULT_AGE))).identity["digest"]
    float32 = open_model(f"{DEFAULT_AGE}/{DEFAULT_AGE}.float32.tflite")
    assert float32.identity["scheme"] == "float32"
    with pytest.raises(ModelFileError, match=f"shipped models .*{DEFAULT_AGE}"):
        open_model("nowhere")


def test_an_accelerator_takes_no_keras_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only .tflite files have been compiled for one."""
    file = tmp_path / "own.keras"
    file.write_bytes(b"")
    with pytest.raises(UsageError, match=r"own\.keras is none"):
        open_model(str(file), delegate=parsed("libedgetpu.so.1"))


@pytest.mark.slow
def test_a_result_says_which_accelerator_ran(tmp_path: Path, shipped: object) -> None:
    """A library that takes no operator computes as the processor does; the board's row finds it."""
    if shutil.which("gcc") is None:
        pytest.skip("needs gcc to build a delegate")
    library, out = tmp_path / "libedgetpu-stub.so", tmp_path / "coral.json"
    source = Path(running.__file__).parent / "delegate.c"
    subprocess.run(["gcc", "-shared", "-fPIC", "-pthread", "-o", library, source], check=True)
    words = ["latency", "--model", DEFAULT_AGE, "--against", DEFAULT_AGE, "--quick"]
    assert cli.main([*words, "--delegate", f"{library},how=nothing", "--json", str(out)]) == 0
    result = read_result(out)
    assert result["model"]["device"] == str(library)
    assert "device" not in result["against"]
    missing = {board.name.partition(" ")[0] for board in missing_boards([("coral", result)])}
    assert "Coral" not in missing and "Raspberry" in missing
