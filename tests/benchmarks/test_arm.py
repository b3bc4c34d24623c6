"""Instruction counts on emulated ARM: what they say, what they are held against."""

import json
from pathlib import Path
from typing import Any

import pytest

from faceage_benchmarks.arm import host_tools, sysroot
from faceage_benchmarks.arm.count import check_budget
from faceage_benchmarks.arm.emulate import CLASSES, read_counts
from faceage_benchmarks.arm.figures import arm_figures
from faceage_benchmarks.arm.guest_invoke import raw_digests
from faceage_benchmarks.cli import main
from faceage_benchmarks.result import bootstrap_settings, new_result
from faceage_benchmarks.tables import table_of
from faceage_edge.errors import FaceageError, QualityGateError
from faceage_edge.model import load_model

COUNTS = {"cortex-a76": {"net": {"all": 1000, "dot": 250, "fmla": 0, "smlal": 3, "load_store": 90}}}


def test_figures_by_hand() -> None:
    """Instructions are the sum, dot products a share of it."""
    assert arm_figures({"counts": COUNTS}, {})["processors"] == {
        "cortex-a76": {"net": {"instructions": 1000, "dot_share": 0.25}}
    }


def test_floor_and_float_by_hand() -> None:
    """Int8 is held against multiply-adds/16 and against its own float form, no other name is."""
    one = COUNTS["cortex-a76"]["net"]
    counts = {"a": {"x-int8": one, "x-float32": one | {"all": 4000}, "pass-x-1": one}}
    samples = {"counts": counts, "multiply_adds": {"x-int8": 8000}}
    named = arm_figures(samples, {})["processors"]["a"]
    assert named["x-int8"] == {
        "instructions": 1000,
        "dot_share": 0.25,
        "floor": 500,
        "times_floor": 2.0,
        "of_float": 0.25,
    }
    assert set(named["x-float32"]) == set(named["pass-x-1"]) == {"instructions", "dot_share"}


def test_a_result_can_be_written_and_shown() -> None:
    """A result of the kind fits the schema and has a table with a column a processor."""
    settings = bootstrap_settings("nothing: counts repeat")
    machine = describe()
    samples = {"counts": COUNTS}
    content = {"equals_host": True, "frames": 0, **arm_figures(samples, settings)}
    content |= {"seeds": {}, "bootstrap": settings, "samples": samples}
    result = new_result("arm", command=["faceage-benchmark"], machine=machine, **content)
    table = table_of([("arm", result)])
    assert "arm: cortex-a76" in table
    assert "0.00 (25.0 % dot products)" in table


def describe() -> dict[str, Any]:
    """This machine, as every result states it."""
    from faceage_benchmarks.machine import describe_machine, note_after

    machine = describe_machine()
    note_after(machine)
    return machine


@pytest.mark.parametrize(
    ("limit", "passes", "note"),
    [
        (1000, True, "exactly the budget"),
        (996, True, "over by less than half a percent"),
        (994, False, "over by more"),
        (5000, True, "far below"),
    ],
)
def test_budget(tmp_path: Path, limit: int, passes: bool, note: str) -> None:
    """A count may exceed its budget by half a percent; names it does not know are passed over."""
    budget = tmp_path / "budget.json"
    budget.write_text(json.dumps({"cortex-a76": {"net": limit, "other": 1}, "z80": {"net": 1}}))
    if passes:
        check_budget(COUNTS, budget)
        return
    with pytest.raises(QualityGateError, match="net on cortex-a76: 1,000 instead of 994"):
        check_budget(COUNTS, budget)


def test_a_budget_that_cannot_be_read(tmp_path: Path) -> None:
    """A missing or broken budget file is an error, not a pass."""
    with pytest.raises(FaceageError, match="cannot read the budget"):
        check_budget(COUNTS, tmp_path / "none.json")


def test_counts_are_read_as_the_plugin_prints_them(tmp_path: Path) -> None:
    """One line a stretch, five numbers in the order of the classes."""
    path = tmp_path / "counts"
    path.write_text("5 4 3 2 1\n10 0 0 0 7\n")
    first, second = read_counts(path)
    assert first == dict(zip(CLASSES, (5, 4, 3, 2, 1), strict=True))
    assert second["load_store"] == 7


def test_digests_repeat_and_tell_pictures_apart(repo_root: Path) -> None:
    """What host and guest compare is the same twice, and differs from picture to picture."""
    path = repo_root / "models" / "mtcnn" / "mtcnn-rnet.int8.tflite"
    first, second = raw_digests(load_model(path)), raw_digests(load_model(path))
    assert first == second
    assert all(len(set(digests)) == 3 for digests in first.values())


def test_missing_tools_name_the_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    """A user who may not install packages is told which."""
    monkeypatch.setattr("shutil.which", lambda _: None)
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(FaceageError, match=r"apt-get install qemu-user mmdebstrap gcc"):
        host_tools.ensure_tools()


def test_a_failing_tool_shows_its_last_words() -> None:
    """The end of what a program wrote is in the message."""
    with pytest.raises(FaceageError, match="code 3: oh no"):
        host_tools.run_quietly(["sh", "-c", "echo oh no >&2; exit 3"])


def test_a_broken_build_is_not_kept(tmp_path: Path) -> None:
    """A part that fails while it is built leaves nothing that a later run would take for whole."""

    def build(target: Path) -> None:
        (target / "half").touch()
        raise FaceageError("stopped")

    with pytest.raises(FaceageError):
        sysroot.once(tmp_path / "part", build)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_no_checkout(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The command says what it needs before it builds anything."""
    out = tmp_path / "arm.json"
    assert main(["arm", "--project", str(tmp_path), "--json", str(out)]) == 2
    assert "no checkout of faceage" in capsys.readouterr().err
    assert not out.exists()
