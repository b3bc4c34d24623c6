"""What all commands share: how an error becomes a message and an exit code."""

import contextlib
import os
import signal
import sys
from collections.abc import Callable, Iterator

from faceage_edge.errors import FaceageError

__all__ = ["loading", "run"]


@contextlib.contextmanager
def loading(program: str) -> Iterator[None]:
    """Let Ctrl-C end the process at once while libraries are imported.

    Nothing is to be saved then, and an import that is interrupted ends in whatever error the
    library makes of it.

    Args:
        program: as for `run`, as are message and exit code.
    """
    before = signal.getsignal(signal.SIGINT)
    # One who started us may have had Ctrl-C ignored, as a shell does for what runs behind it.
    if before is signal.default_int_handler:
        signal.signal(signal.SIGINT, lambda *_: _leave(program))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _leave(program: str) -> None:
    os.write(2, f"{program}: interrupted\n".encode())
    os._exit(130)


def run(program: str, body: Callable[[], int]) -> int:
    """Run a command's body and turn the errors a user can meet into one line and an exit code.

    Args:
        program: the command's name, put before the message.
        body: does the work and returns the exit code.

    Returns:
        What `body` returns; the error's own code for a FaceageError; 130 after Ctrl-C
        (128 + SIGINT, the shell's convention); 0 when the reader of stdout has gone away.
    """
    return _flushed(program, _attempted(program, body))


def _attempted(program: str, body: Callable[[], int]) -> int:
    try:
        return body()
    except FaceageError as error:
        print(f"{program}: error: {error}", file=sys.stderr)
        return error.exit_code
    except BrokenPipeError:
        return 0
    except OSError as error:
        # What the parts expect they word themselves; this is a full disk behind stdout.
        print(f"{program}: error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"{program}: interrupted", file=sys.stderr)
        return 130


def _flushed(program: str, code: int) -> int:
    """Write out what is still buffered now: at the interpreter's end it could only fail badly."""
    try:
        print(end="", flush=True)
    except BrokenPipeError:
        _drop_stdout()
    except OSError as error:
        _drop_stdout()
        if code == 0:
            print(f"{program}: error: cannot write the output: {error.strerror}", file=sys.stderr)
            return 1
    return code


def _drop_stdout() -> None:
    # The interpreter flushes stdout once more at exit; pointing it at /dev/null keeps that from
    # printing a traceback for a reader (`| head -1`) that has all it wanted, or for a full disk.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
