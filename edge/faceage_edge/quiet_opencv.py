"""Keep OpenCV and the libraries inside it from writing on stderr.

A camera that does not exist makes OpenCV print a dozen lines of its own before we can say what
is wrong; our errors and the summary are then hard to find between them.
"""

import os

import cv2

__all__ = ["quiet_opencv"]

# LOG_LEVEL_SILENT of opencv2/core/utils/logger.defines.hpp.
_SILENT = 0


def quiet_opencv() -> None:
    """Silence OpenCV's log and FFmpeg's, unless the user has set a level for them.

    Call it before the first VideoCapture or VideoWriter: FFmpeg's level is read only then.
    """
    if "OPENCV_LOG_LEVEL" not in os.environ:
        # The function moved between the OpenCV versions that the boards' distributions carry.
        set_level = getattr(cv2, "setLogLevel", None) or cv2.utils.logging.setLogLevel
        set_level(_SILENT)
    # -8 is AV_LOG_QUIET in libavutil/log.h.
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
