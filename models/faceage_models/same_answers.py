"""An imported model must answer as it did in its own framework: the same pictures to both."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faceage_edge.errors import ModelFileError
from faceage_edge.interpreter import open_interpreter

__all__ = ["largest_difference", "test_pictures", "tflite_answers"]

Floats = NDArray[np.float32]
_SEED = 11
# Float32 sums of thousands of terms in another order differ by some 1e-6 of their size a layer; a
# hundred layers of them stay below this, a wrong order of channels or a lost layer does not.
_TOLERANCE = 1e-3


def test_pictures(shape: tuple[int, ...], *, of_bytes: bool) -> Floats:
    """Two pictures of noise and of light that falls from one side, for a model's input.

    Args:
        shape: (batch, height, width, channels); as many pictures as the batch are made.
        of_bytes: from 0 to 255 instead of -1 to 1.
    """
    random = np.random.default_rng(_SEED)
    slope = np.linspace(-1, 1, shape[2], dtype=np.float32)[None, None, :, None]
    noise = random.uniform(-1, 1, shape).astype(np.float32)
    pictures = (0.5 * noise + 0.5 * slope).astype(np.float32)
    return np.asarray((pictures + 1) * 127.5 if of_bytes else pictures, np.float32)


# Its name is no test's.
test_pictures.__test__ = False  # type: ignore[attr-defined]


def tflite_answers(data: bytes, pictures: Floats, where: str) -> dict[str, Floats]:
    """What a float .tflite of one input says of pictures in the shape of its input, by output."""
    interpreter = open_interpreter(data, where)
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], pictures)
    interpreter.invoke()
    return {
        output["name"]: np.array(interpreter.get_tensor(output["index"]))
        for output in interpreter.get_output_details()
    }


def largest_difference(
    data: bytes,
    original: Callable[[Floats], Mapping[str, Any]],
    where: str,
    *,
    of_bytes: bool = False,
    pictures: Floats | None = None,
) -> float:
    """Compare a float .tflite with the model it was made from.

    Args:
        data: the file.
        original: the model in its framework: from pictures to outputs by the file's names.
        where: the model's name, for messages.
        of_bytes: as for `test_pictures`.
        pictures: instead of those.

    Returns:
        The largest difference of two answers, over the largest answer (or over 1).

    Raises:
        ModelFileError: an output differs, or is of no such name.
    """
    interpreter = open_interpreter(data, where)
    shape = tuple(int(side) for side in interpreter.get_input_details()[0]["shape"])
    if pictures is None:
        pictures = test_pictures(shape, of_bytes=of_bytes)
    found, wanted = tflite_answers(data, pictures, where), original(pictures)
    if set(found) != set(wanted):
        raise ModelFileError(
            f"{where} gives {sorted(wanted)} in its own framework and {sorted(found)} as .tflite; "
            "give a float .tflite that was exported by hand"
        )
    worst = 0.0
    for name, answer in found.items():
        theirs = np.asarray(wanted[name], np.float32).reshape(answer.shape)
        size = max(1.0, float(np.abs(theirs).max()))
        worst = max(worst, float(np.abs(answer - theirs).max()) / size)
    # `not <=`, so that what is no number is refused too.
    if not worst <= _TOLERANCE:
        raise ModelFileError(
            f"{where} answers otherwise as .tflite than in its own framework: by {worst:.2g} of "
            f"its largest answer, expected {_TOLERANCE:g} at most; give a float .tflite that was "
            "exported by hand"
        )
    return worst
