"""A model with its contract: any number of crops in, real numbers by name out."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from faceage_convert.embed import without_contract
from faceage_edge import model as model_module
from faceage_edge.errors import ContractError, ModelFileError
from faceage_edge.model import Model, load_model, load_model_bytes, read_model_bytes

Crops = npt.NDArray[np.uint8]
Noise = Callable[..., Crops]
SCHEMES = pytest.mark.parametrize("scheme", ["int8", "float32"])

MTCNN = Path(__file__).resolve().parents[2] / "models" / "mtcnn"


@pytest.fixture(scope="module")
def models() -> dict[str, Model]:
    """R-Net, whose graph takes eight crops at once, by scheme."""
    return {s: load_model(MTCNN / f"mtcnn-rnet.{s}.tflite") for s in ("int8", "float32")}


@SCHEMES
@pytest.mark.parametrize("count", [0, 1, 7, 8, 9, 17])
def test_any_number_of_crops(
    scheme: str, count: int, models: dict[str, Model], noise: Noise
) -> None:
    """A batch gives what its crops give alone; none gives nothing, of the right shape."""
    model = models[scheme]
    assert model.contract.input.batch == 8
    crops = noise(17, 24, 24, 3)[:count]
    together = model.run(crops)
    for output in model.contract.outputs:
        values = together[output.name]
        assert values.dtype == np.float32
        assert (len(values), values[:1].size) == (count, output.size if count else 0)
        alone = [model.run(crop[None])[output.name][0] for crop in crops]
        # The same additions in the same order: equal to the last bit.
        np.testing.assert_array_equal(values, np.array(alone).reshape(values.shape))


def test_results_do_not_depend_on_what_ran_before(models: dict[str, Model], noise: Noise) -> None:
    """Nothing of one call is left for the next, nor does a result change afterwards."""
    model = models["int8"]
    crops = noise(3, 24, 24, 3)
    first = model.run_raw(crops)
    kept = {name: values.copy() for name, values in first.items()}
    model.run(noise(8, 24, 24, 3, seed=9))
    again = model.run_raw(crops)
    for name, values in kept.items():
        np.testing.assert_array_equal(first[name], values)
        np.testing.assert_array_equal(again[name], values)


def test_real_values_are_the_raw_ones_dequantized(models: dict[str, Model], noise: Noise) -> None:
    """real = (quantized - zero point) * scale; float outputs pass through."""
    crops = noise(5, 24, 24, 3)
    model = models["int8"]
    raw, real = model.run_raw(crops), model.run(crops)
    for output in model.contract.outputs:
        assert raw[output.name].dtype == np.int8
        expected = (raw[output.name].astype(int) - output.zero_point) * output.scale
        np.testing.assert_allclose(real[output.name], expected, rtol=1e-6)
    model = models["float32"]
    for name, values in model.run_raw(crops).items():
        np.testing.assert_array_equal(values, model.run(crops)[name])


def test_int8_minus_its_zero_point_is_widened_first() -> None:
    """-128 - 127 does not fit int8."""
    values = np.array([-128, 127], dtype=np.int8)
    np.testing.assert_array_equal(model_module._real(values, 0.5, 127), [-127.5, 0])


def test_the_colour_order_is_the_contracts(models: dict[str, Model], noise: Noise) -> None:
    """Crops are BGR; a model of RGB sees their channels reversed."""
    model = models["float32"]
    assert model.contract.input.colour == "RGB"
    crops = noise(1, 24, 24, 3)
    given = model.run(crops)["face_logit"]
    assert not np.allclose(given, model.run(crops[..., ::-1])["face_logit"])


@pytest.mark.parametrize(
    ("crops", "note"),
    [
        (np.zeros((1, 24, 25, 3), np.uint8), "another width"),
        (np.zeros((1, 24, 24, 4), np.uint8), "an alpha channel"),
        (np.zeros((24, 24, 3), np.uint8), "one crop without the batch"),
        (np.zeros((1, 24, 24, 3), np.float32), "not bytes"),
        (np.zeros((0, 12, 12, 3), np.uint8), "none, of another size"),
    ],
)
def test_crops_of_the_wrong_kind(crops: Crops, note: str, models: dict[str, Model]) -> None:
    """A programming error, said as one; nothing is resized on the quiet."""
    with pytest.raises(ValueError, match="expected uint8"):
        models["int8"].run(crops)


@SCHEMES
def test_xnnpack_and_builtin_agree(scheme: str, models: dict[str, Model], noise: Noise) -> None:
    """Both kernels give the same numbers, to a few quanta in int8."""
    plain = load_model(MTCNN / f"mtcnn-rnet.{scheme}.tflite", xnnpack=False)
    crops = noise(8, 24, 24, 3)
    fast, slow = models[scheme].run(crops), plain.run(crops)
    for output in plain.contract.outputs:
        # A tie rounds either way in each of five layers; one quantum each, less what averages out.
        allowed = 4.01 * output.scale if scheme == "int8" else 1e-4
        assert np.abs(fast[output.name] - slow[output.name]).max() <= allowed


def test_a_loaded_model_knows_what_it_is(models: dict[str, Model]) -> None:
    """Path and digest are those of the file."""
    model = models["int8"]
    assert model.path == MTCNN / "mtcnn-rnet.int8.tflite"
    assert model.digest == model.contract.model_digest
    assert len(model.digest) == 64


# Files


def test_missing_and_foreign_files(tmp_path: Path) -> None:
    """Each kind of wrong path is one message."""
    (tmp_path / "photo.tflite").write_bytes(b"\xff\xd8\xff\xe0 a photo")
    (tmp_path / "empty.tflite").write_bytes(b"")
    for name, words in (
        ("none.tflite", "cannot read the model .*none.tflite: No such file"),
        ("photo.tflite", "found a JPEG picture"),
        ("empty.tflite", "found an empty file"),
        (".", "is a folder"),
        ("x" * 300, "File name too long"),
        ("photo.tflite/inside", "Not a directory"),
    ):
        with pytest.raises(ModelFileError, match=words):
            load_model(tmp_path / name)


def test_a_file_too_large_is_not_read(tmp_path: Path) -> None:
    """A disk image given by mistake is refused by its size."""
    path = tmp_path / "disk.img"
    with path.open("wb") as file:
        file.truncate(600 * 1024 * 1024)
    with pytest.raises(ModelFileError, match="holds 629,145,600 bytes, more than any face model"):
        read_model_bytes(path)


def test_a_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither an unreadable model nor an unreadable sidecar ends in a traceback."""
    shutil.copy(MTCNN / "mtcnn-rnet.int8.tflite", tmp_path / "a.tflite")
    shutil.copy(MTCNN / "mtcnn-rnet.int8.json", tmp_path / "a.json")
    read = Path.read_bytes
    for hidden in ("a.tflite", "a.json"):

        def refuse(path: Path, hidden: str = hidden) -> bytes:
            if path.name == hidden:
                raise PermissionError(13, "Permission denied")
            return read(path)

        monkeypatch.setattr(Path, "read_bytes", refuse)
        with pytest.raises(ModelFileError, match=rf"{hidden}: Permission denied; check the path"):
            load_model(tmp_path / "a.tflite")


def test_the_sidecar_is_the_file_of_that_name(tmp_path: Path) -> None:
    """`m.tflite` without a contract is described by `m.json`, if that is about it."""
    data = (MTCNN / "mtcnn-rnet.int8.tflite").read_bytes()
    path = tmp_path / "m.tflite"
    path.write_bytes(without_contract(data))
    with pytest.raises(ContractError, match="carries no contract"):
        load_model(path)
    # About the file with its contract inside, not about this one.
    shutil.copy(MTCNN / "mtcnn-rnet.int8.json", tmp_path / "m.json")
    with pytest.raises(ContractError, match="about another file"):
        load_model(path)
    (tmp_path / "m.json").write_text("{")
    with pytest.raises(ContractError, match="not JSON"):
        load_model(path)


def test_what_was_checked_is_what_runs(tmp_path: Path, noise: Noise) -> None:
    """A file changed after loading changes nothing: the model is in memory."""
    path = tmp_path / "m.tflite"
    shutil.copy(MTCNN / "mtcnn-rnet.int8.tflite", path)
    model = load_model(path)
    before = model.run(noise(1, 24, 24, 3))
    path.write_bytes(b"gone")
    after = model.run(noise(1, 24, 24, 3))
    np.testing.assert_array_equal(before["face_logit"], after["face_logit"])


def test_loading_from_bytes_names_the_file() -> None:
    """The path given beside the bytes is the one in messages."""
    with pytest.raises(ModelFileError, match=r"^over/there\.tflite is not a TensorFlow Lite"):
        load_model_bytes(b"12345678", Path("over/there.tflite"))
