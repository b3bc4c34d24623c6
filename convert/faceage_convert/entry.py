"""What the installed `faceage-convert` starts; see `faceage_edge.command.loading`."""

import sys
from collections.abc import Sequence

from faceage_edge.command import loading

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run `faceage-convert`; arguments and exit codes are those of `cli.main`."""
    with loading("faceage-convert"):
        from faceage_convert.cli import main as command

    return command(argv)


if __name__ == "__main__":
    sys.exit(main())
