"""Models of several pictures that are given one."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from faceage_edge.errors import ContractError, ModelFileError
from faceage_models.keras_file import float_tflite
from faceage_models.views import View, read_document, stated_views

STATED = """
[[input.views]]
name = "whole"
box = [0, 0, 1, 1]

[[input.views]]
name = "middle"
box = [0.25, 0.25, 0.75, 0.75]
"""


def test_views_are_read_from_toml(tmp_path: Path) -> None:
    """With the names of the inputs; a contract without any has none."""
    path = tmp_path / "c3ae.toml"
    path.write_text(STATED)
    assert stated_views(path) == (
        View("whole", (0, 0, 1, 1)),
        View("middle", (0.25, 0.25, 0.75, 0.75)),
    )
    (tmp_path / "plain.json").write_text('{"input": {"colour": "RGB"}}')
    assert stated_views(tmp_path / "plain.json") == stated_views(None) == ()
    assert read_document(tmp_path / "plain.json") == {"input": {"colour": "RGB"}}


@pytest.mark.parametrize("box", ["[0, 0, 1]", "[0.5, 0, 0.5, 1]", "[0, 0, 1, 1.2]", '"all"'])
def test_a_box_that_is_no_part_of_the_crop(box: str, tmp_path: Path) -> None:
    """It is said what is expected."""
    path = tmp_path / "c3ae.toml"
    path.write_text(f'[[input.views]]\nname = "whole"\nbox = {box}\n')
    with pytest.raises(ContractError, match=r"input\.views\[0\].*expected"):
        stated_views(path)


@pytest.fixture
def two_pictures(keras: Any, tmp_path: Path) -> Path:
    """A file of a model that adds the means of two pictures, one of them a hundredfold."""
    layers = keras.layers
    whole, middle = (keras.Input((8, 8, 3), name=name) for name in ("whole", "middle"))
    means = [layers.GlobalAveragePooling2D()(one) for one in (whole, middle)]
    total = layers.Add(name="total")([means[0], layers.Rescaling(100.0)(means[1])])
    keras.Model([whole, middle], total).save(tmp_path / "two.keras")
    return tmp_path / "two.keras"


def test_the_cuts_are_part_of_the_model(two_pictures: Path, invoke: Any) -> None:
    """One picture in: its middle half is the second view."""
    picture = np.zeros((1, 8, 8, 3), np.float32)
    picture[:, 2:6, 2:6] = 1.0
    views = (View("whole", (0, 0, 1, 1)), View("middle", (0.25, 0.25, 0.75, 0.75)))
    (answer,) = invoke(float_tflite(two_pictures, views).data, picture).values()
    np.testing.assert_allclose(answer, np.full((1, 3), 16 / 64 + 100), rtol=1e-5)


def test_views_of_other_inputs(two_pictures: Path) -> None:
    """Both lists of names are said."""
    with pytest.raises(ModelFileError, match=r"\['middle', 'whole'\].*none.*state input\.views"):
        float_tflite(two_pictures)
