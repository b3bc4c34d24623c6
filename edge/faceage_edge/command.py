"""What all commands share: how an error becomes a message and an exit code."""

import os
import sys
from collections.abc import Callable

from faceage_edge.errors import FaceageError

__all__ = ["run"]


def run(program: str, body: Callable[[], int]) -> int:
    """Run a command's body and turn the errors a user can meet into one line and an exit code.

    Args:
        program: the command's name, put before the message.
        body: does the work and returns the exit code.

    Returns:
        What `body` returns; the error's own code for a FaceageError; 130 after Ctrl-C
        (128 + SIGINT, the shell's convention); 0 when the reader of stdout has gone away.
    """
    try:
        code = body()
        # What is still buffered would meet a closed pipe only after this function.
        print(end="", flush=True)
        return code
    except FaceageError as error:
        print(f"{program}: error: {error}", file=sys.stderr)
        return error.exit_code
    except BrokenPipeError:
        # The interpreter flushes stdout once more at exit; pointing it at /dev/null keeps
        # that from printing a traceback for a reader (`| head -1`) that has all it wanted.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        print(f"{program}: interrupted", file=sys.stderr)
        return 130
