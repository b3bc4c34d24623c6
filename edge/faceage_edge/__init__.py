"""The device side of faceage: everything a Raspberry Pi or a Coral board runs.

Needs numpy, OpenCV and LiteRT (or tflite-runtime), nothing else, and imports no other package
of the project.
"""

__all__ = ["__version__"]

__version__ = "0.1.0"
