"""Open a model file in a process of its own, where a runtime that crashes takes nothing along.

The runtime trusts what it is given: a file whose parts contradict each other can end the process
(LiteRT issue 10080). What a user brings is tried out here first.
"""

import json
import signal
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

import numpy as np

from faceage_edge.errors import ModelFileError
from faceage_edge.flatbuffer import ModelFile, read_model_file
from faceage_edge.interpreter import open_interpreter
from faceage_models.tflite_partitions import xnnpack_partitions

__all__ = ["Opened", "RuntimeCrash", "open_apart"]

# Opening a face model takes a tenth of a second; a file that keeps the runtime busy is none.
_SECONDS = 60.0


class RuntimeCrash(ModelFileError):
    """The runtime crashed or hung on a model file."""


@dataclass(frozen=True)
class Opened:
    """How the runtime here lays a model out.

    `partitions` pieces run in XNNPACK, `left_out` names the operators that built-in kernels run;
    `arena_bytes` is the memory that its intermediate results take with built-in kernels.
    """

    partitions: int
    left_out: tuple[str, ...]
    arena_bytes: int


def open_apart(data: bytes, where: str, *, seconds: float = _SECONDS) -> Opened:
    """Open a model and run it once on zeros, in a child process.

    Args:
        data: the whole .tflite file.
        where: its name, for messages.
        seconds: after which the child is ended.

    Raises:
        RuntimeCrash: the runtime crashes or hangs on it.
        ModelFileError: damaged, or refused by the runtime.
    """
    read_model_file(data, where)
    command = [sys.executable, "-m", "faceage_convert.opened", where]
    try:
        done = subprocess.run(
            command, input=data, capture_output=True, timeout=seconds, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise RuntimeCrash(
            f"{where}: the runtime did not finish opening this model in {seconds:.0f} s; it is "
            "damaged, or no model for one crop"
        ) from error
    if done.returncode < 0:
        name = signal.Signals(-done.returncode).name
        raise RuntimeCrash(
            f"{where}: the runtime crashed on this model ({name}): its parts contradict each "
            "other; copy it again or export it again"
        )
    try:
        answer = json.loads(done.stdout)
    except ValueError as error:
        last = done.stderr.decode(errors="replace").strip().splitlines()[-1:] or ["no answer"]
        raise ModelFileError(f"{where} cannot be opened: {last[0]}") from error
    if "error" in answer:
        raise ModelFileError(answer["error"])
    return Opened(answer["partitions"], tuple(answer["left_out"]), answer["arena_bytes"])


def _answer(data: bytes, where: str) -> dict[str, Any]:
    try:
        interpreter = open_interpreter(data, where, xnnpack=False)
        # The arena's addresses are read before anything runs: kernels may move what they own.
        arena = _arena_bytes(interpreter, read_model_file(data, where))
        for details in interpreter.get_input_details():
            interpreter.set_tensor(details["index"], np.zeros(details["shape"], details["dtype"]))
        interpreter.invoke()
        partitions = xnnpack_partitions(data, where)
    except (ModelFileError, RuntimeError, ValueError) as error:
        return {"error": str(error)}
    return {
        "partitions": partitions.count,
        "left_out": list(partitions.left_out),
        "arena_bytes": arena,
    }


def _arena_bytes(interpreter: Any, model: ModelFile) -> int:
    """The memory under all tensors that the runtime placed itself, counted once where they share
    it; kernels' own temporaries are not seen."""
    ends = []
    for index, tensor in enumerate(model.tensors):
        if tensor.constant:
            continue
        try:
            view = interpreter.tensor(index)()
        except ValueError:  # no operator writes it
            continue
        start = view.__array_interface__["data"][0]
        ends.append((start, start + view.nbytes))
    total, covered = 0, 0
    for start, end in sorted(ends):
        total += max(0, end - max(start, covered))
        covered = max(covered, end)
    return total


def _main() -> int:
    print(json.dumps(_answer(sys.stdin.buffer.read(), sys.argv[1])))
    return 0


if __name__ == "__main__":
    sys.exit(_main())
