"""Files of cut faces."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.models.cut_faces import faces

from faceage_edge.errors import FacesError, UsageError
from faceage_models.age_faces import TrainingFaces, check_faces
from faceage_models.age_pack import is_pack, read_pack, read_packs, write_pack


@pytest.mark.parametrize(("quality", "apart"), [(None, 1e-9), (85, 6)])
def test_faces_come_back(quality: int | None, apart: float, tmp_path: Path) -> None:
    """Ages, digests and template as they were, pictures too, or with a quality nearly."""
    path, before = tmp_path / "set.faces.npz", faces(5)
    write_pack(before, path, quality=quality)
    after = read_pack(path)
    assert after.digests == before.digests
    np.testing.assert_array_equal(after.spans, before.spans)
    np.testing.assert_array_equal(after.template.points, before.template.points)
    assert (after.template.width, after.template.height) == (64, 64)
    difference = np.abs(after.canvases.astype(int) - before.canvases)
    # A slope over all values in saturated colours; WebP keeps colour at half the resolution.
    assert difference.mean() < apart
    assert [path.name for path in tmp_path.iterdir()] == ["set.faces.npz"]


def test_the_name_says_what_it_is(tmp_path: Path) -> None:
    """An .npz of weights is no file of faces."""
    assert is_pack(Path("a/b.faces.npz")) and not is_pack(Path("a/b.npz"))
    with pytest.raises(FacesError, match=r"is called NAME.faces.npz"):
        write_pack(faces(2), tmp_path / "set.npz")


@pytest.mark.parametrize("damage", ["missing", "cut", "foreign", "pictures"])
def test_bad_files(damage: str, tmp_path: Path) -> None:
    """One clear message, whatever is wrong."""
    path = tmp_path / "set.faces.npz"
    write_pack(faces(3), path)
    if damage == "missing":
        path.unlink()
    elif damage == "cut":
        path.write_bytes(path.read_bytes()[:-100])
    elif damage == "foreign":
        np.savez(path, weights=np.zeros(3))
    else:
        with np.load(path) as kept:
            arrays = {key: kept[key] for key in kept.files}
        arrays["pictures"] = np.zeros_like(arrays["pictures"])
        np.savez(path, **arrays)
    with pytest.raises(FacesError, match=r"is not a file of cut faces .*faceage-train --pack"):
        read_pack(path)


def digested(count: int) -> TrainingFaces:
    """Made-up faces with digests like real ones."""
    return replace(faces(count), digests=tuple(f"{number:064x}" for number in range(count)))


def test_excluded_faces_are_left_out(tmp_path: Path) -> None:
    """By digest; other files are passed over."""
    path = tmp_path / "set.faces.npz"
    write_pack(digested(6), path)
    (left,) = read_packs([path, tmp_path / "set.tar"], exclude={f"{2:064x}", f"{99:064x}"})
    assert left.spans[:, 0].tolist() == [0, 1, 3, 4, 5]
    assert len(left.canvases) == len(left.digests) == 5


def test_a_share_is_the_same_for_a_seed(tmp_path: Path) -> None:
    """As of a set that is still to be cut."""
    path = tmp_path / "set.faces.npz"
    write_pack(digested(60), path)
    shares = [read_packs([path], share=0.5, seed=seed)[0].digests for seed in (0, 0, 1)]
    assert shares[0] == shares[1] != shares[2]
    # Five standard deviations of 60 draws at one half are 19.
    assert abs(len(shares[0]) - 30) < 19


def test_names_cannot_be_excluded(tmp_path: Path) -> None:
    """Said, not passed over: the file has no names."""
    path = tmp_path / "set.faces.npz"
    write_pack(digested(3), path)
    with pytest.raises(UsageError, match=r"'a\.jpg', and set\.faces\.npz knows digests only"):
        read_packs([path], exclude={"a.jpg", f"{1:064x}"})
    assert read_packs([tmp_path / "set.tar"], exclude={"a.jpg"}) == []


@pytest.mark.parametrize(
    ("count", "same", "message"), [(19, False, "19 faces are left"), (30, True, "the same age")]
)
def test_what_cannot_be_learnt_from(count: int, same: bool, message: str) -> None:
    """Few faces, or one age; for faces of a set and of a file alike."""
    made = digested(count)
    made = replace(made, spans=np.full_like(made.spans, 30)) if same else made
    with pytest.raises(FacesError, match=message):
        check_faces(made, [Path("set.faces.npz")])
