"""A bundle appears whole or not at all, and replaces nothing but an earlier bundle."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from faceage_convert.bundle import MARK, check_replaceable, list_files, new_folder
from faceage_edge.errors import FacesError, OutputError


def write_bundle(out: Path, text: str = "first") -> Path:
    """Write a small bundle the way the command does."""
    with new_folder(out) as folder:
        (folder / "float").mkdir()
        (folder / "float" / "a.tflite").write_text(text)
        (folder / "a.tflite").write_text(text)
        (folder / MARK).write_text(f'{{"contents": ["a.tflite", "float/a.tflite", "{MARK}"]}}')
    return out


def snapshot(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, hidden ones too, with its content."""
    return {name: (folder / name).read_bytes() for name in list_files(folder)}


def test_new_folder(tmp_path: Path) -> None:
    """Parents are made, the folder is readable by others, nothing is left beside it."""
    out = write_bundle(tmp_path / "deep" / "down" / "bundle")
    umask = os.umask(0)
    os.umask(umask)
    assert out.stat().st_mode & 0o777 == 0o777 & ~umask
    assert [path.name for path in out.parent.iterdir()] == ["bundle"]
    assert list_files(out) == {"a.tflite", "float/a.tflite", MARK}


def test_earlier_bundle_is_replaced_whole(tmp_path: Path) -> None:
    """Files of the earlier bundle that the new one has not are gone."""
    out = tmp_path / "bundle"
    with new_folder(out) as folder:
        (folder / "old.tflite").write_text("old")
        (folder / MARK).write_text(f'{{"contents": ["old.tflite", "{MARK}"]}}')
    write_bundle(out, "second")
    assert list_files(out) == {"a.tflite", "float/a.tflite", MARK}
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]


def test_existing_empty_folder_is_filled(tmp_path: Path) -> None:
    """`mkdir out` beforehand is no mistake."""
    (tmp_path / "bundle").mkdir()
    write_bundle(tmp_path / "bundle")
    assert (tmp_path / "bundle" / MARK).is_file()


def test_link_is_followed(tmp_path: Path) -> None:
    """A link keeps pointing to the folder, whose content is new."""
    target = write_bundle(tmp_path / "target")
    link = tmp_path / "link"
    link.symlink_to(target, target_is_directory=True)
    write_bundle(link, "second")
    assert link.is_symlink()
    assert (target / "a.tflite").read_text() == "second"


FAILURES = [
    (FacesError("a damaged picture"), FacesError, "our own error passes through"),
    (OSError(28, "No space left on device"), OutputError, "a full disk"),
    (KeyboardInterrupt(), KeyboardInterrupt, "Ctrl-C"),
]


@pytest.mark.parametrize(("raised", "seen", "note"), FAILURES, ids=[case[2] for case in FAILURES])
def test_failure_midway_leaves_everything_as_it_was(
    tmp_path: Path, raised: BaseException, seen: type[BaseException], note: str
) -> None:
    """The earlier bundle is whole and nothing half done lies about."""
    out = write_bundle(tmp_path / "bundle")
    before = snapshot(tmp_path)
    with pytest.raises(seen), new_folder(out) as folder:
        (folder / "half.tflite").write_text("half")
        raise raised
    assert snapshot(tmp_path) == before
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]


@pytest.mark.parametrize("error", [OSError(5, "Input/output error"), KeyboardInterrupt()], ids=repr)
def test_failure_between_the_renames(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    """When the new folder cannot take its place, the earlier one gets it back."""
    out = write_bundle(tmp_path / "bundle")
    before = snapshot(tmp_path)
    rename = Path.rename

    def fail(self: Path, target: Path) -> Path:
        if self.name == "new":
            raise error
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fail)
    with pytest.raises((OutputError, KeyboardInterrupt)):
        write_bundle(out, "second")
    assert snapshot(tmp_path) == before
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]


def _foreign(out: Path) -> None:
    out.mkdir()
    (out / "holiday.jpg").write_text("mine")


def _foreign_report(out: Path) -> None:
    _foreign(out)
    (out / MARK).write_text('{"tests": 12}')


def _added_to(out: Path) -> None:
    write_bundle(out)
    (out / "age_edgetpu.tflite").write_text("compiled by the user")


def _added_below(out: Path) -> None:
    write_bundle(out)
    (out / "float" / "notes.txt").write_text("the user's")


def _file(out: Path) -> None:
    out.write_text("a file")


REFUSED = [
    (_foreign, r"holds holiday\.jpg, which no earlier conversion wrote", "a folder of something"),
    (_foreign_report, r"holds holiday\.jpg, report\.json, which no", "another program's report"),
    (_added_to, r"holds age_edgetpu\.tflite, which no earlier", "a bundle with a file added"),
    (_added_below, r"holds float/notes\.txt, which no earlier", "a file added below"),
    (_file, r"is a file, expected a folder", "a file"),
]


@pytest.mark.parametrize(("make", "message", "note"), REFUSED, ids=[case[2] for case in REFUSED])
def test_what_is_not_ours_is_not_replaced(
    tmp_path: Path, make: Callable[[Path], None], message: str, note: str
) -> None:
    """It is named and left alone, before any work starts."""
    out = tmp_path / "out"
    make(out)
    before = snapshot(tmp_path)
    with pytest.raises(OutputError, match=message):
        check_replaceable(out)
    with pytest.raises(OutputError), new_folder(out):
        raise AssertionError("not reached")
    assert snapshot(tmp_path) == before


def test_current_folder_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Replacing the folder a shell stands in would leave it nowhere."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(OutputError, match=r"the folder you are in.*--out bundle"):
        check_replaceable(Path())
    check_replaceable(Path("bundle"))


def test_mount_point_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mount point, such as a container's volume, cannot be renamed; a folder in it can."""
    volume = tmp_path / "volume"
    volume.mkdir()
    monkeypatch.setattr(Path, "is_mount", lambda self: self == volume)
    with pytest.raises(OutputError, match=r"a mount point.*--out .*volume/bundle"):
        check_replaceable(volume)
    check_replaceable(volume / "bundle")


def test_file_in_the_way(tmp_path: Path) -> None:
    """A parent that is a file is refused with what the system says of it."""
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match=r"cannot write .*: Not a directory"):
        check_replaceable(tmp_path / "file" / "bundle")


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs Linux' /proc")
def test_virtual_file_system() -> None:
    """A place that looks writable and is not is found out before the work."""
    with pytest.raises(OutputError, match=r"cannot write /proc/bundle.*choose another place"):
        check_replaceable(Path("/proc/bundle"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_read_only_parent(tmp_path: Path) -> None:
    """A folder without write permission is refused."""
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o555)
    with pytest.raises(OutputError, match=r"cannot write .*Permission denied"):
        check_replaceable(locked / "bundle")


def test_disk_that_fills_up_while_writing(tmp_path: Path) -> None:
    """The message says that the earlier bundle is untouched, and it is."""
    out = write_bundle(tmp_path / "bundle")
    message = "No space left on device; an earlier bundle is untouched"
    with pytest.raises(OutputError, match=message), new_folder(out) as folder:
        shutil.copy(out / "a.tflite", folder)
        raise OSError(28, "No space left on device")
    assert (out / "a.tflite").read_text() == "first"
