"""Which faces scenes are composed of."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from faceage_edge.errors import FacesError
from faceage_models.finder_scenes import SCENE_BYTES, SceneSource, training_faces
from faceage_models.finder_targets import finder_targets


def test_a_packed_training_part_is_taken_whole(tmp_path: Path) -> None:
    """Else the test and the choice part would be set aside once more."""
    for age in range(3):
        picture = np.full((20, 20, 3), 40 * age, np.uint8)
        cv2.imwrite(str(tmp_path / f"{20 + age}_0_0_20170116174525125.jpg"), picture)
    assert len(training_faces(SceneSource(tmp_path, whole=True)).faces) == 3
    with pytest.raises(FacesError, match="set aside for tests"):
        training_faces(SceneSource(tmp_path))


def test_a_scene_takes_the_bytes_that_are_reserved() -> None:
    """Its frame, and each grid's targets with the kinds as bytes."""
    targets = finder_targets([]).values()
    whole = sum(one.kinds.size + one.boxes.nbytes for one in targets) + 240 * 320 * 3
    assert whole == SCENE_BYTES
