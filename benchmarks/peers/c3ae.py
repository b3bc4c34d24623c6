"""C3AE (Zhang et al., CVPR 2019): ages of a published file (BSD-2)."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from peer import AgePeer, Picture, digest_of, with_margin

from faceage_edge.crop import shrink

SIDE = 64
# Three nested cuts, as shares of the side of UTKFace's aligned picture, wide to tight. Chosen in
# the network's favour: the best of five triples, and of three ways to scale its input, on 500 of
# the very faces that are measured.
CUTS = (1.3, 1.1, 0.9)


def open_c3ae(weights: Path) -> AgePeer:
    """Open the .h5, which holds the whole network."""
    import tf_keras

    model = tf_keras.models.load_model(str(weights), compile=False, safe_mode=True)

    def years(pictures: list[Picture]) -> NDArray[np.float64]:
        inputs = [
            np.stack([shrink(with_margin(one, share), SIDE, SIDE) for one in pictures])
            for share in CUTS
        ]
        # It takes bytes as they are, blue first.
        age, _ = model.predict_on_batch([one.astype(np.float32) for one in inputs])
        return np.asarray(age, np.float64)[:, 0]

    return AgePeer("C3AE", f"C3AE, {weights.stem}, tf_keras float", years, digest_of(weights))
