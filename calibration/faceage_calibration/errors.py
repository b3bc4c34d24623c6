"""What can go wrong with numbers that were measured.

FaceageError (faceage_edge.errors)
└── SamplesError      nothing measured, or numbers that no statistic can be taken of
"""

from faceage_edge.errors import FaceageError

__all__ = ["SamplesError"]


class SamplesError(FaceageError):
    """Samples are missing, not finite or do not pair up."""
