"""Scene cuts: seen between unrelated pictures, not within one scene."""

import tarfile
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from faceage_edge.frames import CameraRequest
from faceage_edge.scene import SceneCuts, likeness, thumbnail
from faceage_edge.sources import open_source

Picture = npt.NDArray[np.uint8]


def scene(seed: int) -> Picture:
    """A smooth random picture, as uint8 (120, 160, 3): shapes, no pixel noise."""
    rough = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    return np.asarray(np.kron(rough, np.ones((20, 20, 1), np.uint8)), dtype=np.uint8)


def flat(seed: int) -> Picture:
    """A grey wall with a camera's noise on it."""
    noise = np.random.default_rng(seed).normal(90, 3, (120, 160, 3))
    return noise.round().astype(np.uint8)


@pytest.mark.parametrize(
    ("before", "after", "expected", "note"),
    [
        (scene(0), scene(0), False, "nothing changed"),
        (scene(0)[:, :140], scene(0)[:, 18:158], False, "a pan by an eighth of the width"),
        (scene(0), (scene(0) // 2 + 90).astype(np.uint8), False, "the light changed"),
        (flat(0), flat(1), False, "a wall, whose noise has no likeness"),
        (scene(0), scene(1), True, "another scene"),
        (scene(0), 255 - scene(0), True, "its negative"),
        (scene(0), scene(0)[:100], True, "another size, which moves every box"),
    ],
)
def test_a_cut_is_a_change_of_scene(
    before: Picture, after: Picture, expected: bool, note: str
) -> None:
    """Movement, light and noise are no cuts; other pictures are."""
    cuts = SceneCuts(expected=True)
    assert not cuts.cut(before), "the first frame begins no scene"
    assert cuts.cut(after) is expected, note


def test_before_a_camera_only_the_size_counts() -> None:
    """Where no cut is expected likeness is not looked at."""
    cuts = SceneCuts(expected=False)
    assert [cuts.cut(scene(0)), cuts.cut(scene(1)), cuts.cut(scene(1)[:60])] == [False, False, True]


def test_likeness_is_one_for_the_same_and_falls_with_all_that_differs() -> None:
    """The ends of the scale."""
    one = thumbnail(scene(3))
    assert likeness(one, one) == pytest.approx(1.0, abs=1e-4)
    assert likeness(one, thumbnail(flat(0))) == 0.0
    assert likeness(thumbnail(flat(0)), thumbnail(flat(1))) == 1.0
    assert likeness(one, thumbnail(scene(4))) < 0.7


def test_the_clips_have_no_cut(shared_data: Path) -> None:
    """Three films of one scene each are one scene each."""
    clips = sorted((shared_data / "clips").glob("*.gif"))
    assert clips
    for clip in clips:
        cuts = SceneCuts(expected=True)
        with open_source(str(clip), CameraRequest()) as source:
            assert not any(cuts.cut(frame.picture) for frame in source), clip


def test_portraits_of_different_people_are_different_scenes(shared_data: Path) -> None:
    """Of 200 faces framed alike, no two neighbours are taken for one scene."""
    cuts = SceneCuts(expected=True)
    with tarfile.open(shared_data / "data" / "utkface-calib.tar") as tar:
        members = islice((member for member in tar if member.isfile()), 200)
        found = [cuts.cut(_decoded(tar, member)) for member in members]
    assert found == [False] + [True] * 199


def _decoded(tar: tarfile.TarFile, member: tarfile.TarInfo) -> Picture:
    file = tar.extractfile(member)
    assert file is not None
    picture = cv2.imdecode(np.frombuffer(file.read(), np.uint8), cv2.IMREAD_COLOR)
    return np.asarray(picture, dtype=np.uint8)
