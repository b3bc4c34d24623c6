"""The table of training runs."""

import json
from pathlib import Path
from typing import Any

import pytest

from faceage_models.run_table import main, table


def record(**changes: Any) -> dict[str, Any]:
    """What a run of two epochs leaves."""
    options = {
        "backbone": "mobilenet-v1", "alpha": 0.75, "size": 128, "head": "coral", "epochs": 3,
        "head_epochs": 1, "batch": 64, "rate": 0.001, "start": None, "teacher": [],
        "teacher_share": 0.7, "teacher_once": False, **changes,
    }  # fmt: skip
    epochs = [{"epoch": 0, "loss": 9.0, "mae": 7.0}, {"epoch": 1, "loss": 8.0, "mae": 6.5}]
    faces = {"training": 1234, "validation": 100}
    return {"options": options, "epochs": epochs, "best": epochs[1], "faces": faces}


def test_a_row_for_each_run() -> None:
    """What it was, whether it was stopped, and what came of it."""
    taught = record(teacher=["a.keras"], teacher_once=True, start="s.npz", epochs=1)
    text = table([("one", record()), ("two", taught)])
    rows = text.splitlines()[2:]
    rounded = table([("three", record(qat=True, epoch_steps=50, teacher=["a.keras"]))])
    long = table([("four", record(epoch_steps=1056, precision="bfloat16"))])
    assert "| 2 of 4 × 1,056 batches × 64 in bfloat16 |" in long
    answers = table([("five", record(teacher_answers="a.npz"))])
    assert "| labels, 0.7 of a.npz |" in answers
    learnt = "| labels, 0.7 of a.keras, with the rounding of int8 |"
    assert f"{learnt} 1,234 | 2 of 4 × 50 batches × 64 |" in rounded
    assert "| random weights | labels | 1,234 | 2 of 4 × 64 | 0.001 | 6.500 (epoch 2) |" in rows[0]
    assert "| s.npz | labels, 0.7 of a.keras once a face | 1,234 | 2 × 64 |" in rows[1]


def test_the_page_is_renewed_and_checked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Between the marks and nowhere else."""
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "one.json").write_text(json.dumps(record()))
    page = tmp_path / "README.md"
    page.write_text("Before\n<!--runs--><!--/runs-->\nAfter\n")
    where = ["--models", str(tmp_path)]
    assert main([*where, "--check"]) == 1
    assert "is out of date" in capsys.readouterr().err
    assert main(where) == 0 and main([*where, "--check"]) == 0
    text = page.read_text()
    assert text.startswith("Before\n") and text.endswith("\nAfter\n") and "| one |" in text
    page.write_text("nothing")
    assert main(where) == 1
    assert "has no place for the table" in capsys.readouterr().err
