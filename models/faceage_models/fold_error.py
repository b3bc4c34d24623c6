"""Measure what re-expressing the pilot's input costs, in years.

    python -m faceage_models.fold_error --weights pilot.npz --faces utkface-dev.tar --json OUT

Both models see the same pixels: the pilot as it was trained (u8 / 127.5 - 1) and the model that is
exported ((u8 - 128) / 128). They differ where the first convolution pads, see `pilot`.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faceage_calibration.choose import choose_stratified
from faceage_calibration.faces import LabelledFace, read_faces
from faceage_edge.atomic import write_text
from faceage_edge.command import run
from faceage_edge.crop import shrink
from faceage_edge.errors import FacesError
from faceage_models.coral import fuse_head
from faceage_models.layer_weights import read_weights, weights_digest
from faceage_models.pilot import load_pilot, pilot_model

__all__ = ["compare_years", "main"]

# The pilot's training saw chips resized to this side, and of them its input's size.
_CHIP = 144
_SIZE = 128
_BATCH = 64

Pictures = NDArray[np.uint8]
Years = NDArray[np.float64]


def compare_years(weights: Path, crops: Pictures) -> tuple[Years, Years]:
    """Estimate ages with the original and with the folded input.

    Args:
        weights: the pilot's .npz.
        crops: uint8 `(n, 128, 128, 3)`, RGB.

    Returns:
        Years of the original and of the folded model, each `(n,)`.

    Raises:
        ModelFileError: the weights cannot be read or do not fit.
        MissingExtraError: Keras is not installed.
    """
    original = fuse_head(pilot_model(read_weights(weights), size=crops.shape[1]))
    folded = load_pilot(weights, size=crops.shape[1])
    pixels = crops.astype(np.float32)
    old = _years(original, pixels / np.float32(127.5) - 1)
    new = _years(folded, (pixels - 128) / 128)
    return old, new


def _years(model: Any, pixels: NDArray[np.floating[Any]]) -> Years:
    logits = np.asarray(model.predict(pixels, batch_size=_BATCH, verbose=0), np.float64)
    return np.asarray((1 / (1 + np.exp(-logits))).sum(axis=1), np.float64)


def _crop(face: LabelledFace) -> Pictures:
    """Return the centre of the chip as the pilot's training saw it: uint8 (128, 128, 3), RGB."""
    chip = shrink(face.picture(), _CHIP, _CHIP)[..., ::-1]
    edge = (_CHIP - _SIZE) // 2
    return chip[edge : edge + _SIZE, edge : edge + _SIZE]


def _measure(weights: Path, faces: Path, n: int) -> dict[str, Any]:
    found = read_faces(faces)
    chosen = [face for face in choose_stratified(found, n) if face.label.years is not None]
    if not chosen:
        raise FacesError(f"{faces} holds no face with an age in years: the error needs exact ages")
    truth = np.array([face.label.years for face in chosen], np.float64)
    old, new = compare_years(weights, np.stack([_crop(face) for face in chosen]))
    change = new - old
    return {
        "what": "years with the folded input (u8 - 128) / 128 minus years with u8 / 127.5 - 1",
        "crop": f"chip resized to {_CHIP}, centre {_SIZE}",
        "n": len(chosen),
        "faces_digest": found.only(chosen).digest,
        "weights_sha256": weights_digest(weights),
        "mean_abs_change": float(np.abs(change).mean()),
        "max_abs_change": float(np.abs(change).max()),
        "mean_change": float(change.mean()),
        "mae_original": float(np.abs(old - truth).mean()),
        "mae_folded": float(np.abs(new - truth).mean()),
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Run the measurement from the command line.

    Returns:
        0 done, 1 our error, 2 usage.
    """
    parser = argparse.ArgumentParser(
        prog="python -m faceage_models.fold_error", description=__doc__
    )
    parser.add_argument("--weights", type=Path, required=True, help="the pilot's .npz")
    parser.add_argument("--faces", type=Path, required=True, help="folder or .tar with ages")
    parser.add_argument("--json", type=Path, required=True, help="where the result goes")
    parser.add_argument("--n", type=int, default=500, help="how many faces (default: %(default)s)")
    options = parser.parse_args(argv)

    def body() -> int:
        result = _measure(options.weights, options.faces, options.n)
        text = json.dumps(result, indent=1)
        write_text(options.json, text + "\n")
        print(text)
        return 0

    return run("faceage_models.fold_error", body)


if __name__ == "__main__":
    raise SystemExit(main())
