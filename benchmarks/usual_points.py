"""Where landmarks usually lie in a face's box: the constants of `faceage_edge.brought`.

    python benchmarks/usual_points.py --faces fairface-train.tar

Medians over the faces that MTCNN's float networks find in the pictures.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

from faceage_calibration.choose import choose_stratified
from faceage_calibration.faces import read_faces
from faceage_calibration.landmarks import find_face
from faceage_edge.detector import load_detector


def main() -> int:
    """Print the shares of the box's sides, and the mouth's width in distances between the eyes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--faces", type=Path, required=True)
    parser.add_argument("--count", type=int, default=300)
    options = parser.parse_args()
    faces = read_faces(options.faces, labelled=False)
    detector = load_detector("mtcnn", scheme="float32")
    shares, mouths = [], []
    for one in choose_stratified(faces, options.count):
        face = find_face(one.picture(), detector)
        if face is None:
            continue
        points, box = face.landmarks.points, face.box
        shares.append((points + 0.5 - (box.x, box.y)) / (box.width, box.height))
        eyes, mouth = np.hypot(*(points[1] - points[0])), np.hypot(*(points[4] - points[3]))
        mouths.append(mouth / eyes)
    print(np.median(shares, axis=0).round(2).tolist(), round(float(np.median(mouths)), 2))
    print(f"{len(shares)} faces of {options.faces.name}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
