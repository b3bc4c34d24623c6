"""The error tree: what the user's shell sees of each."""

import pytest

from faceage_edge import errors
from faceage_edge.errors import FaceageError, missing_extra

EXIT_CODES = [
    ("FaceageError", 1, "ours to explain"),
    ("UsageError", 2, "the command line is wrong"),
    ("ModelFileError", 1, "a model file"),
    ("ContractError", 1, "a contract"),
    ("FacesError", 1, "pictures or labels"),
    ("SourceError", 1, "a camera or video"),
    ("SourceLostError", 1, "a camera that went away"),
    ("DelegateError", 1, "an accelerator"),
    ("OutputError", 1, "a place that cannot be written"),
    ("MissingExtraError", 1, "a package that is not installed"),
    ("QualityGateError", 3, "done, and not good enough"),
]


@pytest.mark.parametrize(("name", "code", "note"), EXIT_CODES)
def test_exit_codes(name: str, code: int, note: str) -> None:
    """Every error a user can meet has its exit code and one root."""
    error = getattr(errors, name)
    assert issubclass(error, FaceageError)
    assert (error.exit_code, str(error("what"))) == (code, "what")


def test_the_table_is_whole() -> None:
    """No error is left out of the table above or of the public list."""
    classes = {name for name, value in vars(errors).items() if isinstance(value, type)}
    assert classes == {name for name, _, _ in EXIT_CODES} == set(errors.__all__) - {"missing_extra"}


def test_a_contract_error_is_a_model_file_error() -> None:
    """Who catches bad model files catches bad contracts too."""
    assert issubclass(errors.ContractError, errors.ModelFileError)


def test_a_missing_extra_names_the_pip_command() -> None:
    """The message is the command that helps."""
    message = str(missing_extra("keras", "train"))
    assert "'keras'" in message
    assert 'pip install "faceage[train]"' in message
