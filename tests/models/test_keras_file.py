"""Users' model files: each kind that is read, and each that is not, with its message."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from faceage_edge.errors import FaceageError, ModelFileError
from faceage_edge.flatbuffer import read_model_file
from faceage_models.age_backbones import age_model
from faceage_models.age_heads import HEADS
from faceage_models.keras_file import float_tflite, has_rescaling
from faceage_models.tflite_export import to_tflite

# Keras 3.15 saves its variables through a numpy call that numpy 2 deprecates.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

Invoke = Callable[[bytes, Any], dict[str, Any]]


def _saved(model: Any, path: Path) -> Path:
    if path.suffix:
        model.save(path)
    else:
        model.export(path, verbose=False)
    return path


@pytest.mark.parametrize(
    ("name", "output"),
    [("m.keras", "ages"), ("m.h5", "ages"), ("folder", "output_0")],
    ids=["Keras 3 file", "legacy file", "SavedModel"],
)
def test_keras_files_give_the_models_numbers(
    small_classifier: Any, tmp_path: Path, invoke: Invoke, name: str, output: str
) -> None:
    """Whatever it was saved as, the .tflite computes what the model does, and scales its input."""
    found = float_tflite(_saved(small_classifier, tmp_path / name))
    pixels = np.random.default_rng(0).uniform(0, 255, (1, 32, 32, 3)).astype(np.float32)
    expected = np.asarray(small_classifier(pixels))
    np.testing.assert_allclose(invoke(found.data, pixels)[output], expected, atol=1e-6)
    assert (found.kind, found.rescaling, len(found.source_digest)) == ("keras", True, 64)


@pytest.mark.parametrize("name", ["coral.keras", "coral.h5"])
def test_our_own_head_loads_and_is_fused(keras: Any, tmp_path: Path, name: str) -> None:
    """A file with a CoralHead needs nothing but the file; the output is one Dense "ranks"."""
    found = float_tflite(
        _saved(age_model("mobilenet-v1", HEADS["coral"], alpha=0.25, size=32), tmp_path / name)
    )
    graph = read_model_file(found.data, "test")
    assert [(t.name, t.shape) for t in graph.outputs] == [("ranks", (1, 100))]
    assert not found.rescaling


def test_weights_with_architecture_beside(
    small_classifier: Any, tmp_path: Path, invoke: Invoke
) -> None:
    """An .h5 of weights alone takes its architecture from the .json of its name."""
    small_classifier.save_weights(tmp_path / "m.weights.h5")
    (tmp_path / "m.weights.h5").rename(tmp_path / "m.h5")
    with pytest.raises(ModelFileError, match=r"weights without a model.* as m\.json"):
        float_tflite(tmp_path / "m.h5")
    (tmp_path / "m.json").write_text(small_classifier.to_json())
    # Keras tells weights of its new kind by this ending.
    found = tmp_path / "n.weights.h5"
    (tmp_path / "m.h5").rename(found)
    (tmp_path / "m.json").rename(tmp_path / "n.weights.json")
    pixels = np.full((1, 32, 32, 3), 99, np.float32)
    expected = np.asarray(small_classifier(pixels))
    np.testing.assert_allclose(
        invoke(float_tflite(found).data, pixels)["ages"], expected, atol=1e-6
    )


def test_files_of_keras_2(shared_data: Path, keras: Any) -> None:
    """A model of 2017 (architecture and weights apart) comes in through tf_keras."""
    pytest.importorskip("tf_keras", reason="files of Keras 2 need tf_keras")
    folder = shared_data / "third_party" / "age" / "ssrnet"
    found = float_tflite(folder / "mobilenet_reg_0.5_64.h5")
    outputs = read_model_file(found.data, "test").outputs
    assert [(t.name, t.shape) for t in outputs] == [("pred_a", (1, 1))]


def test_float_tflite_passes_unchanged(small_classifier: Any, tmp_path: Path) -> None:
    """A .tflite without a signature is taken as it is."""
    data = to_tflite(small_classifier)
    (tmp_path / "m.tflite").write_bytes(data)
    found = float_tflite(tmp_path / "m.tflite")
    assert (found.data, found.kind) == (data, "tflite")


def test_signature_names_a_users_tflite(keras: Any, tmp_path: Path) -> None:
    """TensorFlow's own converter puts names in the signature; they end up on the tensors."""
    tf = pytest.importorskip("tensorflow")
    module = tf.Module()
    module.serve = tf.function(
        lambda picture: {"young": picture[:, 0, 0], "old": picture[:, 1, 1]},
        input_signature=[tf.TensorSpec((1, 8, 8, 3), tf.float32, name="picture")],
    )
    tf.saved_model.save(module, str(tmp_path / "folder"), signatures=module.serve)
    converter = tf.lite.TFLiteConverter.from_saved_model(str(tmp_path / "folder"))
    (tmp_path / "m.tflite").write_bytes(converter.convert())
    graph = read_model_file(float_tflite(tmp_path / "m.tflite").data, "test")
    assert sorted(t.name for t in (*graph.inputs, *graph.outputs)) == ["input", "old", "young"]


def test_shipped_models_are_passed_on_with_their_contract(shipped: Any) -> None:
    """A model with a contract keeps every byte, or its digest would no longer fit."""
    assert float_tflite(shipped.age_float).data == shipped.age_float.read_bytes()


def test_quantized_model_is_refused(shipped: Any) -> None:
    """An int8 file has lost what its accuracy is measured against."""
    with pytest.raises(ModelFileError, match=r"already quantized: .* are int8; give the float32"):
        float_tflite(shipped.age_int8)


def _random(path: Path) -> Path:
    path.write_bytes(bytes([1]) + os.urandom(999))
    return path


def _picture(path: Path) -> Path:
    path.write_bytes(b"\xff\xd8\xff\xe0" + bytes(500))
    return path


def _zip_of_arrays(path: Path) -> Path:
    with path.open("wb") as file:
        np.savez(file, a=np.zeros(3))
    return path


def _empty(path: Path) -> Path:
    path.touch()
    return path


def _folder(path: Path) -> Path:
    path.mkdir()
    return path


def _broken_saved_model(path: Path) -> Path:
    path.mkdir()
    (path / "saved_model.pb").write_bytes(b"\x01nonsense")
    return path


@pytest.mark.parametrize(
    ("make", "name", "message"),
    [
        (lambda path: path, "m.keras", "cannot read the model .* check the path"),
        (_empty, "m.h5", "found an empty file"),
        (_random, "m.keras", "is not a Keras file: found a file that starts with 01"),
        (_random, "m.tflite", "not a TensorFlow Lite model"),
        (_picture, "m.jpg", "starts with ff d8 ff e0"),
        (_zip_of_arrays, "m.keras", "no Keras model: it holds .*expected config.json"),
        (_zip_of_arrays, "m.npz", "is called '.npz'.*rename it to m.keras"),
        (_folder, "m", "folder without saved_model.pb"),
        (_broken_saved_model, "m", "is a damaged SavedModel"),
    ],
    ids=[
        "missing", "empty", "random .keras", "random .tflite", "a picture", "another archive",
        "another name", "a folder", "damaged SavedModel",
    ],
)  # fmt: skip
def test_foreign_files(
    keras: Any, tmp_path: Path, make: Callable[[Path], Path], name: str, message: str
) -> None:
    """Each is one error of ours that says what was found and what was expected."""
    with pytest.raises(ModelFileError, match=message):
        float_tflite(make(tmp_path / name))


@pytest.mark.parametrize("share", [0.2, 0.9])
@pytest.mark.parametrize("name", ["m.keras", "m.h5", "m.tflite"])
def test_truncated_files(small_classifier: Any, tmp_path: Path, name: str, share: float) -> None:
    """A copy that broke off is refused before it is loaded."""
    path = tmp_path / name
    if path.suffix == ".tflite":
        path.write_bytes(to_tflite(small_classifier))
    else:
        small_classifier.save(path)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    with pytest.raises(ModelFileError, match=r"damaged|cut short"):
        float_tflite(path)


def test_flipped_byte_is_found(small_classifier: Any, tmp_path: Path) -> None:
    """A .keras archive carries checksums, and they are read."""
    path = _saved(small_classifier, tmp_path / "m.keras")
    data = bytearray(path.read_bytes())
    data[data.index(b"config.json") + 40] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(ModelFileError, match="damaged"):
        float_tflite(path)


def test_lambda_layers_are_not_run(keras: Any, tmp_path: Path) -> None:
    """Code in a model file is refused with the way around it."""
    layers = [keras.Input((8, 8, 3)), keras.layers.Lambda(lambda x: x / 2)]
    path = _saved(keras.Sequential(layers), tmp_path / "m.keras")
    with pytest.raises(ModelFileError, match=r"holds a Lambda layer.*not run"):
        float_tflite(path)


def test_layers_of_the_users_own(keras: Any, tmp_path: Path) -> None:
    """A layer that is not Keras' own leads to SavedModel, which carries the graph itself."""

    class Secret(keras.layers.Layer):  # type: ignore[misc]
        def call(self, x: Any) -> Any:
            return x * 2

    model = keras.Sequential([keras.Input((8, 8, 3)), Secret()])
    path = _saved(model, tmp_path / "m.keras")
    with pytest.raises(ModelFileError, match="export it as a SavedModel folder"):
        float_tflite(path)
    assert float_tflite(_saved(model, tmp_path / "folder")).kind == "keras"


@pytest.mark.parametrize(
    ("shape", "message"),
    [((8, 8, 1), r"\(1, 8, 8, 1\), expected one float32 picture"), ((8,), "expected .batch")],
    ids=["grey pictures", "no pictures"],
)
def test_inputs_that_are_no_colour_picture(
    keras: Any, tmp_path: Path, shape: tuple[int, ...], message: str
) -> None:
    """The camera gives colour pictures; another input is refused with its shape."""
    layers = [keras.Input(shape), keras.layers.Flatten(), keras.layers.Dense(1)]
    with pytest.raises(FaceageError, match=message):
        float_tflite(_saved(keras.Sequential(layers), tmp_path / "m.keras"))


def _first_layers(keras: Any, *names: str) -> Any:
    options: dict[str, tuple[Any, ...]] = {
        "Rescaling": (1 / 255,), "Conv2D": (3, 3), "Resizing": (6, 6), "RandomFlip": (),
    }  # fmt: skip
    layers = [getattr(keras.layers, name)(*options[name]) for name in names]
    return keras.Sequential([keras.Input((8, 8, 3)), *layers])


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("Rescaling", "Conv2D"), True),
        (("RandomFlip", "Resizing", "Rescaling"), True),
        (("Conv2D", "Rescaling"), False),
        (("Conv2D",), False),
    ],
    ids=["first", "behind augmentation and resizing", "later in the network", "none"],
)
def test_has_rescaling(keras: Any, names: tuple[str, ...], expected: bool) -> None:
    """A rescaling counts where it still sees pixels, in the model itself or nested in another."""
    inner = _first_layers(keras, *names)
    outer = keras.Sequential([keras.Input((8, 8, 3)), inner, keras.layers.Flatten()])
    assert (has_rescaling(inner), has_rescaling(outer)) == (expected, expected)
