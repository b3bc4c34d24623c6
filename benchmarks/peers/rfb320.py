"""RFB-320: the light face detector that many boards run, as a peer to be measured beside.

`Ultra-Light-Fast-Generic-Face-Detector-1MB` by Linzaer (MIT), its .tflite of 320 x 240 pixels. None
of its code is here: the network's two outputs are read as its publication describes them, SSD
priors (Liu et al., arXiv:1512.02325) of fixed sizes on four grids.

    python benchmarks/peers/rfb320.py --model rfb_320.tflite --faces fairface-train.tar --out FILE

writes its int8 form: TensorFlow's own post-training quantizer (the one that we use makes of this
graph, whose shapes are computed as it runs, a file that does not load), from ranges on scenes like
those that ours were recorded on. Then `faceage-benchmark detection --detector rfb320=FILE` measures
either.
"""

import argparse
import hashlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faceage_edge.crop import shrink
from faceage_edge.geometry import Face, FrameBox, FrameLandmarks
from faceage_edge.interpreter import open_interpreter
from faceage_edge.nms import suppress

WIDTH, HEIGHT = 320, 240
# Its publication's: grids by stride, sides of their priors in input pixels, and how far centre and
# sides of a prior move for an output of 1.
GRIDS = ((8, (10, 16, 24)), (16, (32, 48)), (32, (64, 96)), (64, (128, 192, 256)))
CENTRE_STEP, SIDE_STEP = 0.1, 0.2
# Its demonstration's thresholds.
LEAST_SCORE, MOST_OVERLAP = 0.7, 0.3
MEAN, SPREAD = 127.0, 128.0

Frame = NDArray[np.uint8]


def priors() -> NDArray[np.float64]:
    """Centre x, centre y, width, height of every prior in input pixels, (4420, 4)."""
    rows = []
    for stride, sides in GRIDS:
        for y in range(-(-HEIGHT // stride)):
            for x in range(-(-WIDTH // stride)):
                # Its authors cut the priors off at the picture's own sides.
                rows += [
                    ((x + 0.5) * stride, (y + 0.5) * stride, min(s, WIDTH), min(s, HEIGHT))
                    for s in sides
                ]
    return np.array(rows, np.float64)


def encode(frame: Frame, details: dict[str, Any]) -> NDArray[Any]:
    """Reduce a frame, uint8 BGR of any size, to the network's RGB input."""
    small = shrink(frame, WIDTH, HEIGHT)[..., ::-1]
    values = (small.astype(np.float32) - MEAN) / SPREAD
    scale, zero = details["quantization"]
    if scale:
        values = np.clip(np.rint(values / scale) + zero, -128, 127)
    return np.ascontiguousarray(values[None], details["dtype"])


def real(values: NDArray[Any], details: dict[str, Any]) -> NDArray[np.float64]:
    """The real numbers of an output."""
    scale, zero = details["quantization"]
    values = values.astype(np.float64)
    return (values - zero) * scale if scale else values


def open_peer(path: Path, threads: int) -> tuple[Callable[[Frame], list[Face]], str]:
    """Open the float or int8 file.

    Returns:
        What finds faces in a BGR frame (they have no landmarks: the box's middle stands for all
        five), and the file's digest.
    """
    data = path.read_bytes()
    interpreter = open_interpreter(data, str(path), threads=threads)
    (source,), outputs = interpreter.get_input_details(), interpreter.get_output_details()
    table = priors()

    def detect(frame: Frame) -> list[Face]:
        interpreter.set_tensor(source["index"], encode(frame, source))
        interpreter.invoke()
        found = {}
        for details in outputs:
            values = real(interpreter.get_tensor(details["index"]), details)[0]
            found[values.shape[-1]] = values
        scores = found[2][:, 1]
        passed = np.flatnonzero(scores > LEAST_SCORE)
        boxes, scores = _boxes(found[4][passed], table[passed]), scores[passed]
        share = (frame.shape[1] / WIDTH, frame.shape[0] / HEIGHT) * 2
        return [
            _face(boxes[i] * share, float(scores[i])) for i in suppress(boxes, scores, MOST_OVERLAP)
        ]

    return detect, hashlib.sha256(data).hexdigest()


def _boxes(moves: NDArray[np.float64], table: NDArray[np.float64]) -> NDArray[np.float64]:
    centre = table[:, :2] + moves[:, :2] * CENTRE_STEP * table[:, 2:]
    half = table[:, 2:] * np.exp(moves[:, 2:] * SIDE_STEP) / 2
    return np.concatenate([centre - half, centre + half], axis=1)


def _face(box: NDArray[np.float64], score: float) -> Face:
    x1, y1, x2, y2 = (float(value) for value in box)
    middle = np.array([[(x1 + x2) / 2, (y1 + y2) / 2]] * 5)
    return Face(FrameBox(x1, y1, x2 - x1, y2 - y1), FrameLandmarks(middle), score)


def quantize(model: Path, faces: Path, out: Path, count: int) -> None:
    """Write the int8 form: ranges on composed scenes of the training part, full integer."""
    from faceage_benchmarks.composites import compose_pictures
    from faceage_models.frameworks import import_tensorflow

    tf = import_tensorflow()
    from tensorflow.lite.python.optimize import calibrator

    scenes = compose_pictures(faces, count=count, seed=9, part="train")
    details = {"quantization": (0.0, 0), "dtype": np.float32}
    own = calibrator.Calibrator(model.read_bytes())
    data = own.calibrate_and_quantize(
        lambda: ([encode(scene.frame, details)] for scene in scenes), tf.int8, tf.int8, False
    )
    out.write_bytes(data)


def main() -> int:
    """Quantize from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--faces", type=Path, required=True, help="FairFace's crops")
    parser.add_argument("--count", type=int, default=300, help="faces to record ranges on")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    quantize(options.model, options.faces, options.out, options.count)
    return 0


if __name__ == "__main__":
    sys.exit(main())
