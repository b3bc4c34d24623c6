"""What tests of every folder share: where data and shipped models lie, and frames with a face."""

import json
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

# Read when TensorFlow is first imported, by whichever test comes first: no start-up log, no GPU
# probing, and no more threads than a small CI machine has cores.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "2")
os.environ.setdefault("TF_NUM_INTEROP_THREADS", "1")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")

import cv2
import numpy as np
import numpy.typing as npt
import pytest

Frame = npt.NDArray[np.uint8]
Edit = Callable[[Any], None]

ROOT = Path(__file__).resolve().parents[1]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what trains published models, unless `-m families` asks for it."""
    if "families" in str(config.option.markexpr):
        return
    left_out = [item for item in items if item.get_closest_marker("families")]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


@dataclass(frozen=True)
class Shipped:
    """Where the shipped model files lie in the checkout."""

    age_float: Path
    age_int8: Path
    age_ranges: Path
    mtcnn: Path


@pytest.fixture(scope="session")
def repo_root() -> Path:
    """The checkout's root."""
    return ROOT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of data that is not in the repository; tests that need it skip without it."""
    named = os.environ.get("FACEAGE_DATA")
    folder = Path(named) if named else ROOT.parent / "shared"
    if not (folder / "data").is_dir():
        what = "$FACEAGE_DATA" if named else "../shared"
        pytest.skip(f"needs faces that are not in the repository: {what} has no folder data/")
    return folder.resolve()


@pytest.fixture(scope="session")
def shipped() -> Shipped:
    """The shipped models; a checkout without them is broken, so their absence fails."""
    age = ROOT / "models" / "age-mobilenet-coral"
    found = Shipped(
        age_float=age / "age-mobilenet-coral.float32.tflite",
        age_int8=age / "age-mobilenet-coral.int8.tflite",
        age_ranges=age / "age-mobilenet-coral.ranges.json",
        mtcnn=ROOT / "models" / "mtcnn",
    )
    missing = [path for path in vars(found).values() if not path.exists()]
    assert not missing, f"shipped model files are missing: {missing}"
    return found


@pytest.fixture
def astronaut() -> Frame:
    """NASA's portrait of Eileen Collins from scikit-image: uint8 (512, 512, 3), BGR, one face.

    The face lies at about x 180..265, y 65..185; each test gets its own copy.
    """
    # Heavy, and only some tests need it.
    from skimage import data

    return np.ascontiguousarray(data.astronaut()[:, :, ::-1])


@pytest.fixture
def write_frames(tmp_path: Path) -> Callable[[Iterable[Frame]], Path]:
    """Return a function that writes BGR frames as numbered PNG files and returns their folder."""

    def write(frames: Iterable[Frame]) -> Path:
        folder = tmp_path / "frames"
        folder.mkdir()
        for index, frame in enumerate(frames):
            assert cv2.imwrite(str(folder / f"frame-{index:03d}.png"), frame)
        return folder

    return write


@pytest.fixture
def write_clip(tmp_path: Path) -> Callable[[list[Frame]], Path]:
    """Return a function that writes BGR frames as a 10 fps MP4 file and returns its path."""

    def write(frames: list[Frame]) -> Path:
        path = tmp_path / "clip.mp4"
        height, width = frames[0].shape[:2]
        writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 10.0, (width, height))
        assert writer.isOpened(), "this OpenCV cannot write MP4"
        for frame in frames:
            writer.write(frame)
        writer.release()
        return path

    return write


@pytest.fixture
def walking_face(astronaut: Frame) -> list[Frame]:
    """Eight frames, uint8 (240, 320, 3), BGR, in which the astronaut's face moves to the left."""
    return [astronaut[:240, left : left + 320].copy() for left in range(60, 100, 5)]


@pytest.fixture(scope="session")
def age_float_bytes(shipped: Any) -> bytes:
    """The shipped float age model's file."""
    return bytes(shipped.age_float.read_bytes())


@pytest.fixture(scope="session")
def bare_float(age_float_bytes: bytes) -> bytes:
    """The shipped float age model without its contract: a user's own .tflite."""
    from faceage_convert.embed import without_contract

    return without_contract(age_float_bytes)


@pytest.fixture
def write_model(tmp_path: Path, bare_float: bytes) -> Callable[..., Path]:
    """Return a function that writes a model's bytes, the bare float model's by default."""

    def write(data: bytes | None = None, name: str = "mine.tflite") -> Path:
        path = tmp_path / name
        path.write_bytes(bare_float if data is None else data)
        return path

    return write


@pytest.fixture(scope="session")
def edited() -> Callable[[bytes, Edit], bytes]:
    """Return a function that changes a model's graph object in place and packs it again."""

    from faceage_models.tflite_graph import load_graph, save_graph

    def edit(data: bytes, change: Edit) -> bytes:
        model = load_graph(data)
        change(model)
        return save_graph(model)

    return edit


@pytest.fixture(scope="session")
def with_activation(edited: Callable[[bytes, Edit], bytes]) -> Callable[..., bytes]:
    """Return a function that puts a LOGISTIC, SOFTMAX or RELU behind a float model's output."""
    from ai_edge_litert import schema_py_generated as schema

    def append(
        data: bytes, activation: str, *, beta: float = 1.0, name: str = "probabilities"
    ) -> bytes:
        def change(model: Any) -> None:
            graph = model.subgraphs[0]
            logits = int(graph.outputs[0])
            code, tensor, operator = schema.OperatorCodeT(), schema.TensorT(), schema.OperatorT()
            code.builtinCode = getattr(schema.BuiltinOperator, activation)
            code.deprecatedBuiltinCode = code.builtinCode
            tensor.name, tensor.shape = name, graph.tensors[logits].shape
            operator.opcodeIndex = len(model.operatorCodes)
            operator.inputs, operator.outputs = [logits], [len(graph.tensors)]
            if activation == "SOFTMAX":
                operator.builtinOptionsType = schema.BuiltinOptions.SoftmaxOptions
                operator.builtinOptions = schema.SoftmaxOptionsT()
                operator.builtinOptions.beta = beta
            model.operatorCodes.append(code)
            graph.outputs = [len(graph.tensors)]
            graph.tensors.append(tensor)
            graph.operators.append(operator)
            for signature in model.signatureDefs or []:
                signature.outputs[0].tensorIndex = graph.outputs[0]

        return edited(data, change)

    return append


@pytest.fixture
def write_json(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes a JSON document and returns its path."""

    def write(document: object, name: str = "contract.json") -> Path:
        path = tmp_path / name
        path.write_text(json.dumps(document), encoding="utf-8")
        return path

    return write


@pytest.fixture
def write_pair(shipped: Shipped) -> Callable[..., tuple[Path, Path]]:
    """Return a function that writes an age model of two int8 files, NAME-whole and NAME, into a
    folder, and returns their paths, the first's first.

    Both are MTCNN's second network, whose logit is taken for an age and whose box for a region:
    they run, and compute their golden outputs. Another `made` makes other digests of the same.
    """
    from faceage_convert.embed import embed_contract, without_contract
    from faceage_edge.contract import Crop
    from faceage_edge.embedded import contract_bytes, read_contract
    from faceage_edge.geometry import CropTemplate

    source = shipped.mtcnn / "mtcnn-rnet.int8.tflite"
    told = read_contract(source.read_bytes(), str(source))
    graph = without_contract(source.read_bytes())
    box, logit = told.outputs
    points = np.array([[7, 8], [17, 8], [12, 13], [8, 17], [16, 17]], np.float64)

    def write(folder: Path, name: str = "pair", made: str = "") -> tuple[Path, Path]:
        folder.mkdir(exist_ok=True)
        age = replace(logit, head="regression", years_offset=30.0)
        template = Crop("template", template=CropTemplate(24, 24, points))
        parts = (("-whole", template, "region"), ("", Crop("region"), "gender"))
        paths, of = [], ""
        for end, crop, head in parts:
            contract = replace(
                told, task="age", name=name + end, detector=None, crop=replace(crop, of=of),
                outputs=(replace(box, head=head), age),
                provenance={**told.provenance, "source": {"made": made}},
            )  # fmt: skip
            data, sealed = embed_contract(graph, contract, name)
            path = folder / f"{name}{end}.int8.tflite"
            path.write_bytes(data)
            path.with_suffix(".json").write_bytes(contract_bytes(sealed))
            of = sealed.model_digest
            paths.append(path)
        return paths[0], paths[1]

    return write
