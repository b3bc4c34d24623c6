"""What a model is called on the command line of a measurement."""

import pytest

from faceage_benchmarks.opened import open_model
from faceage_edge.bundles import DEFAULT_AGE, find_age
from faceage_edge.errors import ModelFileError


def test_a_shipped_model_by_its_name() -> None:
    """The name means the int8 file; another file is named by its path."""
    identity = open_model(DEFAULT_AGE).identity
    assert (identity["path"], identity["scheme"]) == (DEFAULT_AGE, "int8")
    assert identity["digest"] == open_model(str(find_age(DEFAULT_AGE))).identity["digest"]
    float32 = open_model(f"{DEFAULT_AGE}/{DEFAULT_AGE}.float32.tflite")
    assert float32.identity["scheme"] == "float32"
    with pytest.raises(ModelFileError, match=f"shipped models .*{DEFAULT_AGE}"):
        open_model("nowhere")
