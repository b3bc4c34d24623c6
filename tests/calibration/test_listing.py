"""The files of a set, in a folder or an archive."""

import gzip
import io
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from faceage_calibration import listing
from faceage_calibration.listing import is_companion, list_files
from faceage_edge.errors import FacesError

Write = Callable[[Mapping[str, bytes]], Path]


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        pytest.param(["b.jpg", "a.PNG"], ["a.PNG", "b.jpg"], id="sorted by name"),
        pytest.param(["a.jpg", "more/b.jpg"], ["a.jpg"], id="own pictures hide those below"),
        pytest.param(
            ["x/b.jpg", "x/y/a.jpg", "labels.csv"],
            ["labels.csv", "x/b.jpg", "x/y/a.jpg"],
            id="none of its own: those below",
        ),
        pytest.param(["55_0_0_1jpg", "x/b.jpg"], ["55_0_0_1jpg"], id="told by its bytes"),
        pytest.param(
            [".thumb.jpg", "x/b.jpg"], [".thumb.jpg", "x/b.jpg"], id="hidden do not count"
        ),
    ],
)
def test_folders(
    write_folder: Write,
    pictures: Callable[..., dict[str, bytes]],
    files: list[str],
    expected: list[str],
) -> None:
    """A folder's own pictures come first; sub folders stand in when it has none."""
    assert list(list_files(write_folder(pictures(*files)))) == expected


@pytest.mark.parametrize("mode", ["w", "w:gz"])
def test_archives(
    tmp_path: Path,
    pictures: Callable[..., dict[str, bytes]],
    tar_bytes: Callable[..., bytes],
    mode: str,
) -> None:
    """Every member of an archive is there with its bytes, plain or compressed."""
    files = pictures("./b.jpg", "x/a.jpg")
    path = tmp_path / "any.name"
    path.write_bytes(tar_bytes(files, mode))
    read = {name: source.read() for name, source in list_files(path).items()}
    assert read == {"b.jpg": files["./b.jpg"], "x/a.jpg": files["x/a.jpg"]}


def test_odd_members_do_no_harm(tmp_path: Path, picture: Callable[..., bytes]) -> None:
    """Links, devices and folders are left out, a later member replaces an earlier one, and a name
    that leads out of the archive is only a name."""
    path = tmp_path / "odd.tar"
    with tarfile.open(path, "w") as archive:
        for name, kind in (
            ("link.jpg", tarfile.SYMTYPE),
            ("hard.jpg", tarfile.LNKTYPE),
            ("pipe.jpg", tarfile.FIFOTYPE),
            ("device.jpg", tarfile.CHRTYPE),
            ("folder.jpg", tarfile.DIRTYPE),
        ):
            member = tarfile.TarInfo(name)
            member.type = kind
            member.linkname = "/etc/passwd"
            archive.addfile(member)
        for name, number in (("../../a.jpg", 1), ("twice.jpg", 2), ("twice.jpg", 3)):
            member = tarfile.TarInfo(name)
            member.size = len(picture(number))
            archive.addfile(member, io.BytesIO(picture(number)))
    files = list_files(path)
    assert list(files) == ["../../a.jpg", "twice.jpg"]
    assert files["twice.jpg"].read() == picture(3)
    assert [entry.name for entry in tmp_path.iterdir()] == ["odd.tar"]


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        pytest.param(lambda tar: b"", "no tar archive", id="an empty file"),
        pytest.param(lambda tar: b"\x17" * 3000, "no tar archive", id="random bytes"),
        pytest.param(lambda tar: b"\x1f\x8b" + bytes(900), "no tar archive", id="false gzip"),
        pytest.param(lambda tar: tar[:700], "no tar archive.*damaged", id="cut in a member"),
        pytest.param(lambda tar: tar[:1024], "end mark is missing", id="cut between members"),
        pytest.param(lambda tar: tar[:1200], "end mark is missing", id="cut in a header"),
        pytest.param(
            lambda tar: tar[:1024] + b"\xff" * 512 + tar[1536:],
            "end mark is missing",
            id="a header overwritten",
        ),
        pytest.param(
            lambda tar: gzip.compress(tar)[:-60], "no tar archive.*damaged", id="cut compressed"
        ),
        pytest.param(
            lambda tar: gzip.compress(tar[:1024]), "end mark is missing", id="cut, then compressed"
        ),
    ],
)
def test_damaged_archives(
    tmp_path: Path,
    picture: Callable[..., bytes],
    tar_bytes: Callable[..., bytes],
    spoil: Callable[[bytes], bytes],
    message: str,
) -> None:
    """No part of a damaged archive passes for the whole."""
    # A member takes one block of 512 bytes for its header and one for its content.
    assert len(picture(1)) <= 512
    path = tmp_path / "set.tar"
    path.write_bytes(spoil(tar_bytes({f"{n}.png": picture(n) for n in range(5)})))
    with pytest.raises(FacesError, match=message) as caught:
        list_files(path)
    assert "set.tar" in str(caught.value)


def test_members_too_large_are_refused(
    tmp_path: Path, tar_bytes: Callable[..., bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A member larger than any picture is refused by its header; a companion is passed over."""
    path = tmp_path / "set.tar"
    monkeypatch.setattr(listing, "LARGEST_FILE", 100)
    path.write_bytes(tar_bytes({"notes.txt": bytes(101), "a.jpg": bytes(100)}))
    assert list(list_files(path)) == ["a.jpg"]
    path.write_bytes(tar_bytes({"a.jpg": bytes(101)}))
    with pytest.raises(FacesError, match=r"member a\.jpg has 101 bytes"):
        list_files(path)


def test_a_compressed_archive_has_a_bound(
    tmp_path: Path, tar_bytes: Callable[..., bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A compressed archive that would fill the memory is refused; a plain one is read in place."""
    monkeypatch.setattr(listing, "_MOST_COMPRESSED", 250)
    path = tmp_path / "set.tar"
    files = {f"{n}.jpg": bytes(100) for n in range(3)}
    path.write_bytes(tar_bytes(files, "w:gz"))
    with pytest.raises(FacesError, match=r"more than 250 bytes.*plain \.tar"):
        list_files(path)
    path.write_bytes(tar_bytes(files))
    assert len(list_files(path)) == 3


def test_a_missing_set(tmp_path: Path) -> None:
    """A path that is not there is said to be not there."""
    with pytest.raises(FacesError, match=r"there is no .*nowhere; expected a folder"):
        list_files(tmp_path / "nowhere")


def test_an_empty_folder(tmp_path: Path) -> None:
    """An empty folder is said to be empty."""
    with pytest.raises(FacesError, match="is empty; expected pictures"):
        list_files(tmp_path)


def test_permission_errors_are_worded(
    write_folder: Write,
    pictures: Callable[..., dict[str, bytes]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What the system refuses is named, also where the tests run as root."""
    folder = write_folder(pictures("a.jpg"))

    def refuse(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "iterdir", refuse)
    with pytest.raises(FacesError, match=r"cannot read .*set: Permission denied; check"):
        list_files(folder)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("labels.csv", True),
        ("x/README.md", True),
        ("LICENSE", True),
        (".DS_Store", True),
        ("._a.jpg", True),
        ("__MACOSX/a.jpg", True),
        ("Thumbs.db", True),
        ("a.jpg", False),
        ("a.mp4", False),
        ("55_0_0_2017jpg", False),
    ],
)
def test_companions(name: str, expected: bool) -> None:
    """Hidden files, texts and tables may lie beside pictures; anything else must be one."""
    assert is_companion(name) == expected
