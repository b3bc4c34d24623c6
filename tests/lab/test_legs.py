"""Legs of the device lab as tests, where FACEAGE_LAB asks for them: `quick`, or `all` boards.

Only there: they install an emulator (as root) and fetch some hundred megabytes.
"""

import os

import pytest
from tests.lab.boards import LEGS, ROOT, RUNNERS
from tests.lab.scene import CACHE

from faceage_benchmarks.arm.host_tools import ensure_tools
from faceage_benchmarks.arm.sysroot import build_sysroot
from faceage_edge.errors import FaceageError

_ASKED = os.environ.get("FACEAGE_LAB", "")
# The slim install that most boards have: 64-bit Raspberry Pi OS Bookworm.
_QUICK = ("bookworm",)
_CHOSEN = {"quick": _QUICK, "all": tuple(RUNNERS)}.get(_ASKED, ())


def _can_be_built(leg: str) -> None:
    """Skip where this machine has not what emulation needs, or does not reach the archives."""
    try:
        ensure_tools()
        if leg in LEGS:
            chosen = LEGS[leg]
            build_sysroot(CACHE, ROOT, ROOT / "constraints" / chosen.constraints, chosen.board)
    except FaceageError as error:
        pytest.skip(f"the board cannot be built here: {error}")


@pytest.mark.slow
@pytest.mark.parametrize("leg", list(RUNNERS))
def test_a_board_sees_what_this_machine_sees(leg: str) -> None:
    """The real ARM wheels, on a Debian Python: same faces, ages, and files of results."""
    if leg not in _CHOSEN:
        pytest.skip(f"FACEAGE_LAB=quick runs {', '.join(_QUICK)}, FACEAGE_LAB=all every board")
    _can_be_built(leg)
    assert RUNNERS[leg](CACHE).startswith(leg)
