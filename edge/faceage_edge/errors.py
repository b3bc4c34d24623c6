"""Every error a user can meet, as one tree.

FaceageError                exit code 1: ours to explain, the message says what to do
├── UsageError              exit code 2: the command line asks for something that cannot be
├── ModelFileError          a model file that is missing, damaged or not what it should be
│   └── ContractError       a model whose contract is missing, malformed or about another file
├── FacesError              pictures, labels or sets of faces that cannot be used as asked
├── SourceError             a camera, video or folder that yields no frames
│   └── SourceLostError     a live one that was there and went away
├── DelegateError           an accelerator that is missing or does not work
├── OutputError             a place that cannot be written
├── MissingExtraError       a Python package that an optional part needs
└── QualityGateError        exit code 3: the work was done and the result is not good enough
"""

__all__ = [
    "ContractError",
    "DelegateError",
    "FaceageError",
    "FacesError",
    "MissingExtraError",
    "ModelFileError",
    "OutputError",
    "QualityGateError",
    "SourceError",
    "SourceLostError",
    "UsageError",
    "missing_extra",
]


class FaceageError(Exception):
    """Root of all errors that are reported to the user as one message, never as a traceback."""

    exit_code = 1


class UsageError(FaceageError):
    """The command line asks for something that cannot be done."""

    exit_code = 2


class ModelFileError(FaceageError):
    """A model file is missing, damaged, or not the kind of model that was expected."""


class ContractError(ModelFileError):
    """A model's contract is missing, malformed, or does not belong to the file it came with."""


class FacesError(FaceageError):
    """Pictures, labels or sets of faces cannot be used as asked."""


class SourceError(FaceageError):
    """A camera, video file or folder yields no frames."""


class SourceLostError(SourceError):
    """A live source that delivered frames does so no longer; it may come back."""


class DelegateError(FaceageError):
    """An accelerator is missing, or does not work.

    `curable`: plugging it in again or waiting may help; otherwise the command line must change.
    """

    def __init__(self, message: str, *, curable: bool = True) -> None:
        super().__init__(message)
        self.curable = curable


class OutputError(FaceageError):
    """A file or folder cannot be written."""


class MissingExtraError(FaceageError):
    """A Python package that an optional part of faceage needs is not installed."""


class QualityGateError(FaceageError):
    """The work was done and measured, and the result is not good enough."""

    exit_code = 3


def missing_extra(module: str, extra: str) -> MissingExtraError:
    """Word the one message for an optional package that is not installed.

    Args:
        module: name of the module that could not be imported.
        extra: the extra of the `faceage` distribution that brings it.

    Returns:
        The error, to be raised `from` the ImportError.
    """
    return MissingExtraError(
        f"the Python package {module!r} is not installed and this step needs it; "
        f'install it with: pip install "faceage[{extra}]" (in a checkout: pip install ".[{extra}]")'
    )
