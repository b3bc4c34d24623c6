"""One model on the golden pictures: digests of its raw outputs, and two invokes between markers.

Run in the guest as `python -m faceage_benchmarks.arm.guest_invoke MODEL`; the host computes the
same digests with `raw_digests`.
"""

import hashlib
import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np

from faceage_edge.golden import GENERATORS, golden_picture
from faceage_edge.interpreter import open_interpreter
from faceage_edge.model import Model, load_model, read_model_bytes

__all__ = ["invoke_between_markers", "raw_digests"]


def raw_digests(model: Model) -> dict[str, list[str]]:
    """Run the golden pictures through a model.

    Returns:
        For every output the SHA-256, in hex, of all its raw values for each picture.
    """
    wanted = model.contract.input
    digests: dict[str, list[str]] = {output.name: [] for output in model.contract.outputs}
    for generator in GENERATORS:
        picture = golden_picture(generator, wanted.height, wanted.width)
        pictures = np.repeat(picture[None], wanted.batch, axis=0)
        for name, values in model.run_raw(pictures).items():
            digests[name].append(hashlib.sha256(values.tobytes()).hexdigest())
    return digests


def _main(path: str) -> None:
    print(json.dumps(raw_digests(load_model(path))))
    invoke_between_markers(open_interpreter(read_model_bytes(Path(path)), path))


def invoke_between_markers(interpreter: Any) -> None:
    """Invoke an interpreter on zeros three times, a marker before and after the last two.

    Args:
        interpreter: a LiteRT or tflite-runtime one, its tensors allocated.
    """
    details = interpreter.get_input_details()[0]
    interpreter.set_tensor(details["index"], np.zeros(details["shape"], details["dtype"]))
    interpreter.invoke()  # the first invoke prepares and is not counted
    for _ in range(2):
        os.getppid()
        interpreter.invoke()
        os.getppid()


if __name__ == "__main__":
    _main(sys.argv[1])
