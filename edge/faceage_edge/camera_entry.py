"""What the installed `faceage-camera` starts: a supervisor, or the work itself where that is asked.

Light to import: the supervisor stays as long as the camera runs, and needs none of the models.
"""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from faceage_edge.camera_options import parser
from faceage_edge.command import run
from faceage_edge.config_file import parse_with_config
from faceage_edge.delegates import parse_delegate
from faceage_edge.errors import OutputError

__all__ = ["main"]

_PROGRAM = "faceage-camera"


def main(argv: Sequence[str] | None = None) -> int:
    """Run `faceage-camera`; arguments and exit codes are those of `camera.main`."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    return run(_PROGRAM, lambda: _main(arguments))


def _main(arguments: list[str]) -> int:
    options = parse_with_config(parser(_PROGRAM), arguments)
    asked_once = options.about or options.doctor or options.install_model is not None
    if asked_once or options.no_supervisor:
        from faceage_edge import camera

        return camera.main(arguments)
    return _supervised(arguments, options)


def _supervised(arguments: list[str], options: object) -> int:
    from faceage_edge.supervisor import SupervisorSettings, run_supervised

    _check_streams()
    given = vars(options)
    for text in given["delegate"]:
        parse_delegate(text)
    settings = SupervisorSettings(
        patience_s=given["patience"],
        accelerated=bool(given["delegate"]),
        probe_s=given["probe_every"],
        start_s=given["start_within"],
        health_s=given["health"],
        events=None if given["events"] is None else Path(given["events"]),
    )
    return run_supervised(arguments, settings, _PROGRAM)


def _check_streams() -> None:
    """See that what we open cannot take the place of a standard stream that is closed.

    Raises:
        OutputError: stdout is closed.
    """
    # None when the process was started with the stream closed, whatever the types say.
    if vars(sys)["stdout"] is None:
        raise OutputError("stdout is closed and results go there; leave it open or to a file")
    for descriptor in (0, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            os.dup2(os.open(os.devnull, os.O_RDWR), descriptor)


if __name__ == "__main__":
    sys.exit(main())
