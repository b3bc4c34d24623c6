"""Two invokes between markers of any .tflite of one fixed input, with or without a contract.

Run in the guest as `python -m faceage_benchmarks.arm.guest_plain MODEL`.
"""

import sys
from pathlib import Path

from faceage_benchmarks.arm.guest_invoke import invoke_between_markers
from faceage_edge.interpreter import open_interpreter

__all__ = ["main"]


def main(path: Path) -> None:
    """Invoke the model file at `path`."""
    invoke_between_markers(open_interpreter(path.read_bytes(), str(path)))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
