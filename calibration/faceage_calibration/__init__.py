"""Faces with known ages: reading labelled sets, choosing from them, cropping, ranges, intervals.

Runs on the host, needs numpy, OpenCV and LiteRT like the device side, and imports nothing of the
project but `faceage_edge`.
"""

__all__: list[str] = []
