"""What can go wrong with a result file.

FaceageError (faceage_edge.errors)
└── ResultFileError   a result file that is unreadable, foreign, of another version or incomplete

Samples that no statistic can be taken of are SamplesError of faceage_calibration.errors.
"""

from faceage_edge.errors import FaceageError

__all__ = ["ResultFileError"]


class ResultFileError(FaceageError):
    """A result file cannot be read, or an object is not a result of this format."""
