"""What the installed `faceage-calibrate` starts; see `faceage_edge.command.loading`."""

import sys
from collections.abc import Sequence

from faceage_edge.command import loading

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run `faceage-calibrate`; arguments and exit codes are those of `cli.main`."""
    with loading("faceage-calibrate"):
        from faceage_calibration.cli import main as command

    return command(argv)


if __name__ == "__main__":
    sys.exit(main())
