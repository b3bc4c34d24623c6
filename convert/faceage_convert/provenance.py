"""Which tools made a file."""

from importlib.metadata import PackageNotFoundError, version

__all__ = ["tool_versions"]

_TOOLS = ("faceage", "ai-edge-litert", "ai-edge-quantizer", "numpy")


def tool_versions() -> dict[str, str]:
    """Versions of the installed packages whose work ends up in a model file, by name."""
    found = {}
    for tool in _TOOLS:
        try:
            found[tool] = version(tool)
        except PackageNotFoundError:
            continue
    return found
