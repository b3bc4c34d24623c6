"""A network that cuts a region out of its picture, as two Keras 2 files."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from faceage_edge.errors import ModelFileError, UsageError
from faceage_edge.model import Model, load_model_bytes
from faceage_edge.two_branches import TwoBranches, pieces_of
from faceage_models.age_backbones import age_model
from faceage_models.age_heads import HEADS, Head, head_named
from faceage_models.age_inputs import INPUTS
from faceage_models.age_run_files import save_model
from faceage_models.crop_answers import bytes_model
from faceage_models.keras2_file import main, write_keras2
from faceage_models.keras2_pair import write_pair
from faceage_models.keras_file import float_tflite

SIZE = 64
OPTIONS: dict[str, Any] = {
    "backbone": "al-resnet-regions",
    "size": SIZE,
    "alpha": 0.1,
    "dropout": 0.0,
    "normalise": "caffe",
}


def write_run(keras: Any, head: Head, folder: Path) -> Any:
    """What `faceage-train` leaves, untrained but for weights that tell pictures apart."""
    keras.utils.set_random_seed(6)
    options = {key: OPTIONS[key] for key in ("size", "alpha", "normalise")}
    model = age_model("al-resnet-regions", head, **options)
    random = np.random.default_rng(6)
    pixels = random.uniform(-110, 140, (12, SIZE, SIZE, 3)).astype(np.float32)
    seen = np.asarray(keras.Model(model.input, model.get_layer("global_branch").output)(pixels))
    for name in ("where_place", "where_extent"):
        # Of what differs between pictures, so that each has a region of its own.
        kernel = random.normal(0, 1, (seen.shape[1], 2))
        said = seen @ kernel
        kernel /= said.std(axis=0)
        bias = random.normal(0, 0.5, 2) - (seen @ kernel).mean(axis=0)
        model.get_layer(name).set_weights([kernel, bias])
    *others, bias = model.layers[-1].get_weights()
    model.layers[-1].set_weights([*others, random.normal(0, 1, bias.shape)])
    save_model(model, folder / "best.keras")
    rule = INPUTS["caffe"].normalisation
    stated = head.described(model.output_shape[-1])
    output: dict[str, Any] = {"head": stated.head, "bounds": [list(pair) for pair in stated.bounds]}
    output |= {"years_scale": stated.years_scale} if stated.head == "regression" else {}
    contract = {
        "format": 1,
        "task": "age",
        "name": "regions",
        "licence": "none",
        "crop": {"kind": "template", "width": SIZE, "height": SIZE, "landmarks": LANDMARKS},
        "input": {
            "colour": "BGR",
            "normalisation": {"kind": "affine", "mean": list(rule.mean), "std": list(rule.std)},
        },
        "outputs": [{key: value for key, value in output.items() if value}],
    }
    (folder / "best.json").write_text(json.dumps(contract))
    (folder / "train.json").write_text(json.dumps({"options": OPTIONS}))
    return model


LANDMARKS = [[20, 20], [44, 20], [32, 34], [22, 46], [42, 46]]


def read_pair(whole: Path, closer: Path) -> tuple[Model, Model]:
    """As `faceage-convert` imports them, with `of` in the second's contract."""
    from faceage_convert.import_float import import_float
    from faceage_models.specification import Hints

    models = []
    first = None
    for path in (whole, closer):
        hints = Hints(contract=path.with_suffix(".contract.json"))
        source = import_float(path, hints, first=first)
        first = source.contract.model_digest
        models.append(load_model_bytes(source.data, path.with_suffix(".tflite")))
    return models[0], models[1]


@pytest.mark.parametrize("name", ["groups", "coral", "regression"])
def test_both_files_together_say_what_the_network_says(
    name: str, keras: Any, tmp_path: Path
) -> None:
    """Answers added, the joint model's; only the bytes of the piece are rounded."""
    head = head_named(name)
    model = write_run(keras, head, tmp_path)
    whole, closer = tmp_path / "a.h5", tmp_path / "b.h5"
    words = ["--run", str(tmp_path), "--out", str(whole), "--closer", str(closer)]
    assert main(words) == 0
    first, second = read_pair(whole, closer)
    assert (first.contract.name, second.contract.name) == ("regions-whole", "regions")
    assert (second.contract.input.height, second.contract.input.width) == (48, 48)
    crops = np.random.default_rng(7).integers(0, 256, (12, SIZE, SIZE, 3), np.uint8)
    said = first.run(crops)["where"]
    # In order, with room, and another for each picture: else the test would not tell regions apart.
    assert ((said[:, 2:] - said[:, :2] > 0.33) & (said >= 0).all() & (said <= 1).all()).all()
    assert said.std(axis=0).min() > 0.02
    theirs = TwoBranches(first, second).run(crops)["ages"]
    ours = np.asarray(bytes_model(model, INPUTS["caffe"])(crops[..., ::-1]))
    scale = head.described(1).years_scale if name == "regression" else 1.0
    ours = ours * scale
    middle = np.tile(np.array([0.25, 0.25, 0.75, 0.75], np.float32), (12, 1))
    here, there = (
        second.run(pieces_of({"where": where}, first, second, crops))["ages"]
        for where in (said, middle)
    )
    most = float(np.abs(ours).max())
    assert np.abs(here - there).max() > 0.05 * most  # a wrong region would be seen
    # A byte of a piece's pixels is one off at most, of which answers know a little.
    np.testing.assert_allclose(theirs, ours, atol=0.005 * most)


def test_the_bias_is_in_one_of_them(keras: Any, tmp_path: Path) -> None:
    """In the second: the first's share of the head has none."""
    write_run(keras, HEADS["groups"], tmp_path)
    write_pair(tmp_path, tmp_path / "a.h5", tmp_path / "b.h5")
    import tf_keras

    first, second = (
        tf_keras.models.load_model(tmp_path / name, compile=False) for name in ("a.h5", "b.h5")
    )
    assert not first.get_layer("ages").get_weights()[1].any()
    assert second.get_layer("ages").get_weights()[1].all()
    assert first.output_names == ["ages", "where"]


def test_what_is_of_one_file_and_what_of_two(keras: Any, tmp_path: Path) -> None:
    """Each says what to do."""
    write_run(keras, HEADS["groups"], tmp_path)
    with pytest.raises(UsageError, match="name the second with --closer"):
        write_keras2(tmp_path, tmp_path / "one.h5")
    with pytest.raises(UsageError, match="name two files"):
        write_pair(tmp_path, tmp_path / "a.h5", tmp_path / "a.h5")
    contract = json.loads((tmp_path / "best.json").read_text())
    gender = {"head": "gender"}
    both = {**contract, "outputs": [*contract["outputs"], gender]}
    (tmp_path / "best.json").write_text(json.dumps(both))
    with pytest.raises(UsageError, match="train it without --gender"):
        write_pair(tmp_path, tmp_path / "a.h5", tmp_path / "b.h5")
    (tmp_path / "train.json").write_text(json.dumps({"options": OPTIONS | {"backbone": "lenet"}}))
    with pytest.raises(UsageError, match="is one file"):
        write_pair(tmp_path, tmp_path / "a.h5", tmp_path / "b.h5")
    assert not list(tmp_path.glob("*.h5"))


def test_as_one_file_it_is_refused(keras: Any, tmp_path: Path) -> None:
    """With what to do: no device's runtime has the operations of the cut."""
    write_run(keras, HEADS["groups"], tmp_path)
    with pytest.raises(ModelFileError, match=r"keras2_file --run .* --closer closer\.h5"):
        float_tflite(tmp_path / "best.keras")
