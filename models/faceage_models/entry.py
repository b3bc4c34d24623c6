"""What the installed `faceage-train` starts; see `faceage_edge.command.loading`."""

import sys
from collections.abc import Sequence

from faceage_edge.command import loading

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run `faceage-train`; arguments and exit codes are those of `train_age.main`."""
    with loading("faceage-train"):
        from faceage_models.train_age import main as command

    return command(argv)


if __name__ == "__main__":
    sys.exit(main())
