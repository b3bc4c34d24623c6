"""Which runtime is used, and what is said when none works."""

from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from faceage_edge import runtime
from faceage_edge.errors import MissingExtraError, ModelFileError
from faceage_edge.interpreter import open_interpreter
from faceage_edge.runtime import runtime_name

LITERT, TFLITE = "ai_edge_litert.interpreter", "tflite_runtime.interpreter"


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Return a function that pretends that only the given runtimes are installed."""

    def pretend(**runtimes: Any) -> None:
        def find(name: str) -> Any:
            if name.split(".")[0] not in runtimes:
                raise ImportError(f"No module named {name.split('.')[0]!r}")
            return runtimes[name.split(".")[0]]

        monkeypatch.setattr(runtime, "import_module", find)

    return pretend


def failing(name: str, error: Exception) -> Any:
    """A runtime whose interpreter cannot be made."""

    def make(**_: object) -> None:
        raise error

    kinds = SimpleNamespace(AUTO=0, BUILTIN_WITHOUT_DEFAULT_DELEGATES=1)
    return SimpleNamespace(__name__=name, Interpreter=make, OpResolverType=kinds)


@pytest.fixture(scope="module")
def refine() -> bytes:
    """R-Net in int8."""
    folder = Path(__file__).resolve().parents[2] / "models" / "mtcnn"
    return (folder / "mtcnn-rnet.int8.tflite").read_bytes()


def outputs_of(opened: Any, crops: npt.NDArray[np.int8]) -> list[npt.NDArray[np.int8]]:
    """Run once."""
    opened.set_tensor(opened.get_input_details()[0]["index"], crops)
    opened.invoke()
    return [opened.get_tensor(details["index"]).copy() for details in opened.get_output_details()]


def test_litert_comes_first(install: Callable[..., None]) -> None:
    """With both runtimes installed the maintained one is used; with one, that one."""
    litert, tflite = ModuleType(LITERT), ModuleType(TFLITE)
    install(ai_edge_litert=litert, tflite_runtime=tflite)
    assert runtime_name().startswith("ai-edge-litert")
    install(tflite_runtime=tflite)
    assert runtime_name().startswith("tflite-runtime")


def test_no_runtime_is_one_message_with_both_commands(install: Callable[..., None]) -> None:
    """It names what was tried and the pip command for either kind of system."""
    install()
    for call in (runtime_name, lambda: open_interpreter(b"", "file")):
        with pytest.raises(MissingExtraError) as caught:
            call()
        message = str(caught.value)
        for part in (LITERT, TFLITE, "pip install ai-edge-litert", 'tflite-runtime "numpy<2"'):
            assert part in message


def test_a_runtime_for_another_numpy(install: Callable[..., None]) -> None:
    """tflite-runtime finds out only when a model is opened that numpy 2 is too new for it."""
    broken = failing(TFLITE, SystemError("returned a result with an exception set"))
    install(tflite_runtime=broken)
    with pytest.raises(MissingExtraError, match=rf'{np.__version__}; .*pip install "numpy<2"'):
        open_interpreter(b"", "file")


@pytest.mark.parametrize("error", [ValueError(" no delegate\n"), RuntimeError("no delegate")])
def test_a_model_that_the_runtime_refuses(install: Callable[..., None], error: Exception) -> None:
    """The runtime's own words are in the message, with the file's name."""
    install(ai_edge_litert=failing(LITERT, error))
    with pytest.raises(ModelFileError, match=r"^a\.tflite: ai-edge-litert .*\(no delegate\)"):
        open_interpreter(b"", "a.tflite")


def test_bytes_that_are_no_model() -> None:
    """The real runtime refuses them as an error, too."""
    with pytest.raises(ModelFileError, match="cannot run this model"):
        open_interpreter(b"not a model at all", "file")


def test_threads_do_not_change_results(refine: bytes) -> None:
    """Two threads compute what one computes."""
    crops = np.random.default_rng(0).integers(-128, 128, (8, 24, 24, 3)).astype(np.int8)
    one = outputs_of(open_interpreter(refine, "file"), crops)
    two = outputs_of(open_interpreter(refine, "file", threads=2), crops)
    for first, second in zip(one, two, strict=True):
        np.testing.assert_array_equal(first, second)


def test_the_kernels_asked_for_are_used(refine: bytes) -> None:
    """XNNPACK fuses the graph into a delegate's node; the built-in kernels keep every operator."""
    fast = open_interpreter(refine, "file")._get_ops_details()
    plain = open_interpreter(refine, "file", xnnpack=False)._get_ops_details()
    assert "DELEGATE" in {operator["op_name"] for operator in fast}
    assert "DELEGATE" not in {operator["op_name"] for operator in plain}
    assert "CONV_2D" in {operator["op_name"] for operator in plain}


def test_all_tensors_can_be_kept(refine: bytes) -> None:
    """With preserve_all the values inside the graph are readable and not overwritten."""
    opened = open_interpreter(refine, "file", xnnpack=False, preserve_all=True)
    crops = np.random.default_rng(0).integers(-128, 128, (8, 24, 24, 3)).astype(np.int8)
    outputs_of(opened, crops)
    assert (opened.get_tensor(opened.get_input_details()[0]["index"]) == crops).all()
    kept = [opened.get_tensor(details["index"]) for details in opened.get_tensor_details()]
    assert sum(bool(values.any()) for values in kept) > 10
