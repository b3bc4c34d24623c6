"""Files are written whole or not at all."""

import os
from pathlib import Path

import pytest

from faceage_edge.atomic import write_bytes, write_text
from faceage_edge.errors import OutputError


def test_new_and_replaced(tmp_path: Path) -> None:
    """The content is the given one, whether or not a file was there."""
    path = tmp_path / "report.json"
    write_bytes(path, b"one")
    assert path.read_bytes() == b"one"
    write_text(path, "zwö\n")
    assert path.read_bytes() == "zwö\n".encode()
    write_bytes(path, b"")
    assert path.read_bytes() == b""
    assert [entry.name for entry in tmp_path.iterdir()] == ["report.json"]


def test_a_result_is_readable_like_any_file(tmp_path: Path) -> None:
    """Its mode is that of a file made by open(), not the private one of a temporary file."""
    old = os.umask(0o027)
    try:
        write_text(tmp_path / "ours", "x")
        (tmp_path / "theirs").touch()
    finally:
        os.umask(old)
    ours, theirs = ((tmp_path / name).stat().st_mode for name in ("ours", "theirs"))
    assert ours == theirs


@pytest.mark.parametrize("step", ["fsync", "chmod", "replace"])
@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_an_interrupted_write_leaves_the_old_file(
    step: str, error: BaseException, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk or Ctrl-C in the middle changes nothing and leaves nothing behind."""
    path = tmp_path / "model.tflite"
    path.write_bytes(b"old")

    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(os, step, fail)
    expected = OutputError if isinstance(error, OSError) else KeyboardInterrupt
    with pytest.raises(expected):
        write_bytes(path, b"new and longer")
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["model.tflite"]


def test_places_that_cannot_be_written(tmp_path: Path) -> None:
    """The message names the file, the system's reason and what to do."""
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    for name, reason in (
        ("none/report.json", "No such file or directory"),
        ("file/report.json", "Not a directory"),
        ("folder", "Is a directory"),
        ("x" * 300, "File name too long"),
    ):
        with pytest.raises(OutputError) as caught:
            write_text(tmp_path / name, "x")
        message = str(caught.value)
        assert f"cannot write {tmp_path / name}: {reason}" in message
        assert "choose a folder" in message
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["file", "folder"]


def test_a_folder_that_may_not_be_written(tmp_path: Path) -> None:
    """An unwritable folder is an OutputError, and its files stay."""
    path = tmp_path / "report.json"
    path.write_text("old")
    tmp_path.chmod(0o500)
    try:
        if os.access(tmp_path, os.W_OK):
            pytest.skip("this user may write everywhere")
        with pytest.raises(OutputError, match="Permission denied"):
            write_text(path, "new")
        assert path.read_text() == "old"
    finally:
        tmp_path.chmod(0o700)
