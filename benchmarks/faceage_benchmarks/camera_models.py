"""Which networks a camera loop runs, as a result file states them."""

import json
import subprocess
from collections.abc import Mapping, Sequence
from typing import Any

from faceage_edge.errors import FaceageError

__all__ = ["asked_models", "stated_models"]


def stated_models(about: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return `name`, `scheme`, `digest` and `bytes` of each network, the age model's first.

    Args:
        about: from faceage_edge.about.about_models.
    """
    networks = [about["age"], *about["detector"]["networks"]]
    return [{key: one[key] for key in ("name", "scheme", "digest", "bytes")} for one in networks]


def asked_models(program: Sequence[str]) -> list[dict[str, Any]]:
    """Ask a `faceage-camera` with its options which networks it would run.

    Args:
        program: its command line.

    Returns:
        As `stated_models`.

    Raises:
        FaceageError: it ends with an error, whose message it has printed.
    """
    command = [*program, "--about", "--json"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise FaceageError(
            f"faceage-camera ended with code {done.returncode}; its message stands above"
        )
    return stated_models(json.loads(done.stdout))
