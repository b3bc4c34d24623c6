"""Any backbone under any head: a training step, the export, int8, and years on the device."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from faceage_calibration.inputs import model_inputs
from faceage_calibration.ranges import Calibration, Ranges, record_activations
from faceage_convert.conversion import finish, to_quantized
from faceage_convert.import_float import import_float
from faceage_convert.runnable import runnable
from faceage_edge.age import AgeModel
from faceage_edge.contract import Contract, Crop, Input
from faceage_edge.flatbuffer import read_model_file
from faceage_edge.geometry import CropTemplate
from faceage_edge.model import load_model_bytes
from faceage_edge.operators import operator_names
from faceage_edge.preprocess import InputEncoder
from faceage_models.age_backbones import BACKBONES, age_model
from faceage_models.age_heads import HEADS, head_named
from faceage_models.age_inputs import INPUTS, input_named
from faceage_models.age_run_files import save_model
from faceage_models.crop_answers import answers_of, bytes_model
from faceage_models.keras2_pair import PAIRS
from faceage_models.keras_backend import training_keras
from faceage_models.settled import settle
from faceage_models.specification import Hints

pytestmark = [
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),  # Keras' own
]

# Ages that a head can be told apart by, for one step of training.
SPANS = np.array([[4.0, 4.0], [71.0, 71.0], [30.0, 30.0], [20.0, 29.0]])
TEMPLATE = np.array([[0.3, 0.3], [0.7, 0.3], [0.5, 0.55], [0.35, 0.75], [0.65, 0.75]])

# A head and the groups it says: the eight of Adience.
ADIENCE = "groups:0-2,4-6,8-12,15-20,25-32,38-43,48-53,60-100"
# (backbone, head, size, alpha, input): every backbone and every head in its turn.
SMALL = [
    ("lenet", "coral", 32, 1.0, "signed"),
    ("lenet", "distribution", 32, 1.0, "unit"),
    ("lenet", "age-vector", 32, 1.0, "signed-128"),
    ("4c2f", "groups", 32, 0.2, "caffe"),
    ("ssr-net", "regression", 32, 0.5, "bytes"),
    ("c3ae", "regression-mse", 64, 0.3, "imagenet"),
    ("alexnet", "groups", 64, 0.05, "standardise"),
    ("linear", ADIENCE, 32, 1.0, "unit"),
]
LARGE = [
    ("mobilenet-v1", "coral", 32, 0.1, "signed"),
    ("mobilenet-v2", "age-vector", 32, 0.35, "signed"),
    ("mobilenet-v3-small", "regression", 32, 0.5, "signed"),
    ("mobilenet-v3-large", "coral", 32, 0.5, "signed"),
    ("resnet50", "regression", 32, 0.25, "imagenet"),
    ("resnet50-v2", "groups", 32, 1.0, "unit"),
    ("vgg16", "distribution", 32, 1.0, "caffe"),
    ("vgg19", "coral", 32, 1.0, "caffe"),
    ("inception-v3", "groups", 96, 1.0, "signed"),
    ("efficientnet-b0", "regression-mse", 32, 1.0, "bytes"),
    ("inception-resnet-v1", "distribution", 96, 0.1, "standardise"),
    ("al-resnet", "groups", 64, 1.0, "caffe"),
]
CASES = [*SMALL, *(pytest.param(*case, marks=pytest.mark.slow) for case in LARGE)]


def step(model: Any, head: Any, kind: str, crops: np.ndarray) -> None:
    """One step of training on bytes, as `faceage-train` makes it."""
    fed = bytes_model(model, input_named(kind))
    ones = np.ones(100, np.float32)
    # Eagerly: to trace one step takes longer than to make it.
    fed.compile(
        optimizer="adam",
        loss=lambda wanted, found: head.loss(wanted, found, ones),
        run_eagerly=True,
    )
    before = [np.array(weight) for weight in model.get_weights()]
    loss = float(np.asarray(fed.train_on_batch(crops[..., ::-1], head.targets(SPANS))))
    assert np.isfinite(loss)
    after = model.get_weights()
    assert any((a != b).any() for a, b in zip(before, after, strict=True))
    settle(model, [crops], answers_of(model, input_named(kind), head_layers=head.layers))


def enliven(model: Any, pixels: np.ndarray, spread: float) -> None:
    """Let answers differ from picture to picture as those of a trained model do."""
    layer = model.layers[-1]
    kernel, bias = layer.get_weights()
    answers = np.asarray(model(pixels))
    factor = spread / max(float(answers.std(axis=0).mean()), 1e-9)
    layer.set_weights([kernel * factor, bias])
    layer.set_weights([kernel * factor, bias - (np.asarray(model(pixels)) - answers).mean(axis=0)])


def picture(size: int, kind: str) -> Input:
    """The input of a float model, as a contract says it."""
    taken = input_named(kind)
    return Input("input", 1, size, size, taken.colour, "float32", 1.0, 0, taken.normalisation)


def stated(head: Any, size: int, kind: str, units: int, folder: Path) -> Path:
    """The contract that `faceage-train` leaves beside its model."""
    source = picture(size, kind)
    crop = Crop("template", template=CropTemplate(size, size, TEMPLATE * size))
    contract = Contract("age", "any", "none", source, crop, (head.described(units),)).to_json()
    told = {key: contract["input"][key] for key in ("colour", "normalisation")}
    (answer,) = contract["outputs"]
    answer.pop("name")
    path = folder / "best.json"
    path.write_text(json.dumps({**contract, "input": told, "outputs": [answer]}))
    return path


@pytest.mark.parametrize(("backbone", "name", "size", "alpha", "kind"), CASES)
def test_any_backbone_and_head(
    backbone: str, name: str, size: int, alpha: float, kind: str, tmp_path: Path
) -> None:
    """It learns, exports and becomes int8 throughout; a small one gives its float file's years."""
    pytest.importorskip("tensorflow", reason="needs TensorFlow: pip install '.[train]'")
    # Of some random weights float answers differ by half a per cent between two frameworks.
    training_keras().utils.set_random_seed(3)
    random = np.random.default_rng(3)
    crops = random.integers(0, 256, (12, size, size, 3), np.uint8)
    head = head_named(*name.split(":"))
    model = age_model(backbone, head, size=size, alpha=alpha, normalise=kind)
    head.begin(model, SPANS)
    step(model, head, kind, crops[: len(SPANS)])
    encoder = InputEncoder(picture(size, kind))
    small = (backbone, name, size, alpha, kind) in SMALL
    if small:
        enliven(model, encoder.encode(crops), 0.1 if head.name == "regression" else 1.0)
    save_model(model, tmp_path / "best.keras")
    hints = Hints(contract=stated(head, size, kind, model.output_shape[-1], tmp_path))
    source = import_float(tmp_path / "best.keras", hints)
    seen = record_activations(
        source.data, model_inputs(source.contract.input, crops), where=backbone
    )
    ranges = Ranges(
        source.contract.model_digest,
        seen.ranges,
        Calibration(len(crops), "0" * 64, ()),
        seen.means,
    )
    done = to_quantized(source, ranges)
    assert done.contract.scheme == "int8"
    if name == ADIENCE:
        ends = [(0, 3), (4, 7), (8, 13), (15, 21), (25, 33), (38, 44), (48, 54), (60, 101)]
        assert list(done.contract.outputs[0].bounds) == ends
    used = set(operator_names(read_model_file(done.data, backbone)))
    assert not used & {"DEQUANTIZE", "QUANTIZE"} or backbone in MIXED_SCALES
    if backbone == "al-resnet":
        # Its LSTM is written out, so that every step runs wherever dense layers do.
        assert {"FULLY_CONNECTED", "LOGISTIC", "TANH", "MUL"} <= used
        assert not used & {"LSTM", "UNIDIRECTIONAL_SEQUENCE_LSTM", "WHILE"}
    # `finish` refuses what answers alike to every picture, as the deep ones do, untrained.
    int8 = runnable(finish(done, crops) if small else done)
    float32 = AgeModel(load_model_bytes(source.data, Path("any.tflite")))
    ours, theirs = int8.estimate(crops).years, float32.estimate(crops).years
    assert np.isfinite(ours).all()
    # Untrained, an answer moves by a part of what the head can say; a wrong picture, head or order
    # of channels would move most of them by more. After one step the deep ones, whose
    # normalisation has seen one batch, say nothing that could be compared: only training can.
    if small:
        assert np.abs(ours - theirs).mean() < 10


# Where branches of different ranges meet, the quantizer rescales one of them.
MIXED_SCALES = ("ssr-net", "c3ae", "inception-v3", "inception-resnet-v1", "al-resnet")


def test_every_name_has_its_turn() -> None:
    """Every backbone, head and input of the tables is in a case above."""
    cases = [*SMALL, *LARGE]
    # Of two files: test_pair_trained.py.
    assert {case[0] for case in cases} == set(BACKBONES) - set(PAIRS)
    assert {case[1].split(":")[0] for case in cases} == set(HEADS)
    assert {case[4] for case in cases} == set(INPUTS)
