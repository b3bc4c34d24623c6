"""What a command's caller sees: exit codes, one line of error, no traceback."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from faceage_edge import errors
from faceage_edge.command import run
from faceage_edge.errors import FaceageError

EXIT_CODES = [
    (FaceageError, 1),
    (errors.UsageError, 2),
    (errors.ModelFileError, 1),
    (errors.ContractError, 1),
    (errors.FacesError, 1),
    (errors.SourceError, 1),
    (errors.OutputError, 1),
    (errors.MissingExtraError, 1),
    (errors.QualityGateError, 3),
]


def raising(error: BaseException) -> Callable[[], int]:
    """A body that fails."""

    def body() -> int:
        raise error

    return body


@pytest.mark.parametrize("code", [0, 1, 3])
def test_the_bodys_own_code(code: int, capsys: pytest.CaptureFixture[str]) -> None:
    """What the body returns is returned, and nothing is printed."""
    assert run("faceage-x", lambda: code) == code
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(("kind", "code"), EXIT_CODES)
def test_errors_are_one_line(
    kind: type[FaceageError], code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """Program, message and the error's own code; stdout stays clean for results."""
    assert run("faceage-x", raising(kind("no camera 7; plug one in"))) == code
    assert capsys.readouterr() == ("", "faceage-x: error: no camera 7; plug one in\n")


def test_ctrl_c(capsys: pytest.CaptureFixture[str]) -> None:
    """128 + SIGINT, as shells expect."""
    assert run("faceage-x", raising(KeyboardInterrupt())) == 130
    assert capsys.readouterr() == ("", "faceage-x: interrupted\n")


@pytest.mark.parametrize("error", [ValueError("ours"), RuntimeError("a bug")])
def test_bugs_are_not_hidden(error: Exception) -> None:
    """What is no user's error keeps its traceback."""
    with pytest.raises(type(error)):
        run("faceage-x", raising(error))


def child(body: str) -> str:
    """A program that runs a body of several lines."""
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    return (
        "import sys\nfrom faceage_edge.command import run\n"
        f"def body():\n{lines}    return 0\nsys.exit(run('faceage-x', body))\n"
    )


@pytest.mark.parametrize(
    ("body", "note"),
    [
        ("for i in range(200_000): print('line', i)", "far more than the reader takes"),
        ("print('a line')", "so little that it is written when the program ends"),
    ],
)
def test_a_reader_that_goes_away(body: str, note: str) -> None:
    """`faceage-camera | head -1` ends with code 0 and without a word on stderr."""
    # The reader closes its end before the writer starts.
    waiting = "sys.stdin.readline()\n" + body
    process = subprocess.Popen(
        [sys.executable, "-c", child(waiting)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=None,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    process.stdin.write("go\n")
    process.stdin.close()
    said = process.stderr.read()
    process.stderr.close()
    assert (process.wait(60), said) == (0, "")


def test_a_program_without_stdout() -> None:
    """Started with its output closed, as some services are, it still ends with its code."""
    shell = f'exec "{sys.executable}" -c "$0" >&-'
    done = subprocess.run(
        ["sh", "-c", shell, child("print('x')")], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("size", [10, 100_000])
def test_a_full_disk_behind_stdout_is_one_line(size: int, unbuffered: str) -> None:
    """Whether the write fails at once or only when flushed, it ends with code 1 and one message."""
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    code = (
        "import sys; from faceage_edge.command import run; "
        f"sys.exit(run('prog', lambda: sys.stdout.write('x' * {size}) and 0))"
    )
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-c", code],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("prog: error:")
