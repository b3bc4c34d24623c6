"""A user's float model becomes a float .tflite with its contract inside."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from faceage_convert.import_float import import_float
from faceage_edge.embedded import read_contract
from faceage_edge.model import load_model_bytes
from faceage_models.specification import Hints

Crops = npt.NDArray[np.uint8]
HINTS = Hints(normalise="signed-128")


def test_bare_tflite(
    write_model: Callable[..., Path], age_float_bytes: bytes, face_crops: Crops
) -> None:
    """The contract is inside, and the model computes what it did."""
    source = import_float(write_model(), HINTS)
    assert read_contract(source.data, "mine").to_json() == source.contract.to_json()
    assert set(source.contract.golden) >= {"xnnpack", "builtin"}
    provenance = source.contract.provenance
    assert len(provenance["source_digest"]) == 64
    assert "numpy" in provenance["tools"]
    files = (source.data, age_float_bytes)
    ours, shipped = (load_model_bytes(data, Path("m")).run(face_crops[:3]) for data in files)
    assert np.array_equal(ours["ranks"], shipped["ranks"])


def test_file_with_its_own_contract_is_taken_as_it_is(
    write_model: Callable[..., Path], age_float_bytes: bytes
) -> None:
    """What is known stays, to the byte."""
    assert import_float(write_model(age_float_bytes), Hints()).data == age_float_bytes


def test_new_name_is_embedded(write_model: Callable[..., Path], age_float_bytes: bytes) -> None:
    """The file carries the name it is given, with a digest of its own."""
    source = import_float(write_model(age_float_bytes), Hints(), name="other")
    written = read_contract(source.data, "other")
    assert written.name == "other"
    assert written.provenance["weights_terms"] != ""
    assert written.to_json() == source.contract.to_json()


def test_weights_behind_the_flatbuffer(
    write_model: Callable[..., Path],
    bare_float: bytes,
    weights_behind: Callable[[bytes], bytes],
    face_crops: Crops,
) -> None:
    """A file that keeps its weights behind the flatbuffer loses none on the way."""
    files = (bare_float, weights_behind(bare_float))
    one, other = (import_float(write_model(data), HINTS).data for data in files)
    ages = [load_model_bytes(data, Path("m")).run(face_crops[:2])["ranks"] for data in (one, other)]
    assert np.array_equal(ages[0], ages[1])
