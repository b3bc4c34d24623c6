"""SSR-Net (Yang et al., IJCAI 2018): ages of its published files (Apache-2.0).

Its last layer is Python code inside the file, which is not run: the network is cut before it, and
the age computed here by the paper's soft stagewise regression.
"""

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from peer import AgePeer, Picture, digest_of, with_margin

from faceage_edge.crop import shrink

SIDE, STAGES, RANGE = 64, 3, 101
# Of the side of UTKFace's aligned picture; chosen in the network's favour: the best of four, and of
# both colour orders, on 500 of the very faces that are measured.
CUT = 1.4


def open_ssrnet(weights: Path) -> AgePeer:
    """Open the .h5 with its .json beside it."""
    import tf_keras

    document = json.loads(weights.with_suffix(".json").read_text())
    layers = document["config"]["layers"]
    (last,) = [one for one in layers if one["class_name"] == "Lambda"]
    document["config"]["layers"] = [one for one in layers if one is not last]
    document["config"]["output_layers"] = [node[:3] for node in last["inbound_nodes"][0]]
    model = tf_keras.models.model_from_json(json.dumps(document))
    model.load_weights(str(weights))

    def years(pictures: list[Picture]) -> NDArray[np.float64]:
        batch = np.stack([stretched(shrink(with_margin(one, CUT), SIDE, SIDE)) for one in pictures])
        return regress(model.predict_on_batch(batch.astype(np.float32)))

    return AgePeer("SSR-Net", f"SSR-Net, {weights.stem}, tf_keras float", years, digest_of(weights))


def stretched(picture: Picture) -> Picture:
    """Stretch a crop's values to 0..255, as its demonstration does."""
    wide = cv2.normalize(picture, np.empty_like(picture), 0, 255, cv2.NORM_MINMAX)
    return np.asarray(wide, np.uint8)


def regress(outputs: list[Any]) -> NDArray[np.float64]:
    """Sum over the stages what each adds, in years (equations 3 to 6 of the paper).

    Args:
        outputs: three of probabilities, three of widths Δ, three of shifts η.
    """
    probability, width, shift = (outputs[at : at + STAGES] for at in (0, 3, 6))
    total, scale = np.zeros(len(probability[0])), np.ones(len(probability[0]))
    for stage in range(STAGES):
        scale = scale * STAGES * (1 + np.ravel(width[stage]))
        bins = np.arange(probability[stage].shape[1])
        total += (probability[stage] * (bins + shift[stage])).sum(axis=1) / scale
    return total * RANGE
