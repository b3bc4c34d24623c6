"""Who imports and calls what: the rules that a linter's import graph does not see."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("benchmarks", "calibration", "convert", "edge", "models")
SOURCES = sorted(path for name in FOLDERS for path in (ROOT / name).glob("faceage_*/**/*.py"))
# Functions of OpenCV that change a picture's geometry.
WARPS = {
    "getRectSubPix",
    "pyrDown",
    "pyrUp",
    "remap",
    "resize",
    "warpAffine",
    "warpPerspective",
    "warpPolar",
}


def relative(path: Path) -> str:
    """Name a source by its place in the checkout, as a test id."""
    return path.relative_to(ROOT).as_posix()


def module_name(path: Path) -> str:
    """Return a source's module name, without the folder of its package."""
    parts = path.relative_to(ROOT).with_suffix("").parts[1:]
    return ".".join(parts)


def warps(path: Path) -> Iterator[str]:
    """Yield each use of a warping function of OpenCV, as an attribute or an imported name."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute) and node.attr in WARPS:
            if ast.unparse(node.value) == "cv2":
                yield f"{relative(path)}:{node.lineno} cv2.{node.attr}"
        elif isinstance(node, ast.ImportFrom) and node.module == "cv2":
            yield f"{relative(path)}:{node.lineno} from cv2 import"


def test_faces_are_warped_in_one_file() -> None:
    """Training, calibration, evaluation and the camera share the one crop: edge's crop.py."""
    crop = ROOT / "edge" / "faceage_edge" / "crop.py"
    assert list(warps(crop)) != []
    assert [use for path in SOURCES if path != crop for use in warps(path)] == []


MODULES = [path for path in SOURCES if not path.stem.startswith("_")]


@pytest.mark.parametrize("path", MODULES, ids=relative)
def test_public_names(path: Path) -> None:
    """Every module lists its public names (ruff keeps the list sorted) and has each of them."""
    module = import_module(module_name(path))
    names = getattr(module, "__all__", None)
    assert names is not None, "no __all__"
    assert [name for name in names if not hasattr(module, name)] == []
    assert [name for name in names if name.startswith("_")] == []


HEAVY = (
    "ai_edge_quantizer",
    "flatbuffers",
    "h5py",
    "keras",
    "mtcnn",
    "scipy",
    "skimage",
    "tensorflow",
    "tf_keras",
)
LIGHT_IMPORTS = [
    ("faceage_edge.camera", "the device's program"),
    ("faceage_edge.age", "what a user's own program imports"),
    ("faceage_benchmarks.cli", "latency is measured on devices too"),
    ("faceage_calibration.cli", "--help answers at once"),
    ("faceage_convert.cli", "the main job needs no TensorFlow"),
    ("faceage_models.export", "--help answers at once"),
]


@pytest.mark.parametrize(("module", "note"), LIGHT_IMPORTS)
def test_import_is_light(module: str, note: str) -> None:
    """Importing a command loads no framework, and on the device no flatbuffer schema either."""
    code = f"import sys, {module}; print(' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    loaded = set(done.stdout.split())
    assert loaded.isdisjoint(HEAVY), note
    assert [name for name in loaded if name.endswith("schema_py_generated")] == []
