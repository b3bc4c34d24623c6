"""Find the installed LiteRT: ai-edge-litert, or tflite-runtime before it."""

from importlib import import_module
from types import ModuleType

from faceage_edge.errors import MissingExtraError

__all__ = ["runtime", "runtime_name"]

# ai-edge-litert is the maintained successor of tflite-runtime; the API used here is the same.
_RUNTIMES = ("ai_edge_litert.interpreter", "tflite_runtime.interpreter")


def runtime_name() -> str:
    """The installed runtime and its version, e.g. `ai-edge-litert 2.3.0`."""
    from importlib.metadata import PackageNotFoundError, version

    package = runtime().__name__.split(".", maxsplit=1)[0].replace("_", "-")
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:
        return package


def runtime() -> ModuleType:
    """The module of the installed runtime, `ai_edge_litert` or `tflite_runtime`.

    Raises:
        MissingExtraError: neither can be loaded.
    """
    problems = []
    for name in _RUNTIMES:
        try:
            return import_module(name)
        except ImportError as error:
            problems.append(f"{name}: {error}")
    raise MissingExtraError(
        f"no LiteRT runtime could be loaded ({'; '.join(problems)}); "
        "install it with: pip install ai-edge-litert "
        '(32-bit systems and Python up to 3.11: pip install tflite-runtime "numpy<2")'
    )
