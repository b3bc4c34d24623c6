"""Faces to learn ages from."""

import math

import numpy as np
import pytest
from tests.models.cut_faces import TEMPLATE, faces

from faceage_calibration.labels import AgeBin, Label
from faceage_edge.errors import FacesError
from faceage_models.age_faces import label_spans, middle, with_room


def test_spans_of_labels() -> None:
    """An exact age is a point, a bin ends before its end, an open one at 120."""
    labels = [Label(years=31.5), Label(bin=AgeBin(20, 30)), Label(bin=AgeBin(70, math.inf))]
    assert label_spans(labels).tolist() == [[31.5, 31.5], [20, 29], [70, 119]]
    with pytest.raises(FacesError, match="a face without an age"):
        label_spans([Label(gender="male")])


def test_the_middle_of_a_canvas_is_the_crop() -> None:
    """With room on each side, template and cut agree: the corner of the crop is 10 in."""
    room = with_room(TEMPLATE)
    assert (room.width, room.height) == (84, 84)
    np.testing.assert_array_equal(room.points - TEMPLATE.points, np.full((5, 2), 10))
    crop = middle(faces(1).canvases, TEMPLATE)[0]
    assert crop.shape == (64, 64, 3) and crop[0, 0].tolist() == [10, 10, 0]
