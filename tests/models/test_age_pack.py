"""Files of cut faces."""

from pathlib import Path

import numpy as np
import pytest
from tests.models.cut_faces import faces

from faceage_edge.errors import FacesError
from faceage_models.age_pack import is_pack, read_pack, write_pack


def test_faces_come_back(tmp_path: Path) -> None:
    """Ages, digests and template as they were, pictures nearly."""
    path, before = tmp_path / "set.faces.npz", faces(5)
    write_pack(before, path)
    after = read_pack(path)
    assert after.digests == before.digests
    np.testing.assert_array_equal(after.spans, before.spans)
    np.testing.assert_array_equal(after.template.points, before.template.points)
    assert (after.template.width, after.template.height) == (64, 64)
    difference = np.abs(after.canvases.astype(int) - before.canvases)
    # A slope over all values in saturated colours; WebP keeps colour at half the resolution.
    assert difference.mean() < 6
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
