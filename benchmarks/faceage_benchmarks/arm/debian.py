"""Unpack a Debian root file system; no maintainer script runs, so it may be of any processor."""

import sys
from collections.abc import Sequence
from pathlib import Path

from faceage_benchmarks.arm.host_tools import run_quietly

__all__ = ["unpack_debian"]


def unpack_debian(target: Path, *, suite: str, architecture: str, packages: Sequence[str]) -> None:
    """Unpack packages and what they depend on.

    Args:
        target: an empty folder that becomes the root.
        suite: the release, e.g. `bookworm`.
        architecture: as Debian names it: `arm64`, `amd64`.
        packages: names of binary packages.

    Raises:
        FaceageError: mmdebstrap failed, as without a network.
    """
    print(f"unpacking Debian {suite} for {architecture} (once)", file=sys.stderr)
    # Not `root`: there may be a folder of that name in it.
    root = target / "unpacked"
    run_quietly(
        [
            "mmdebstrap", "--mode=root", "--variant=extract", f"--architectures={architecture}",
            '--aptopt=Acquire::Languages "none"',
            "--dpkgopt=path-exclude=/usr/share/{doc,man,locale,info}/*",
            f"--include={','.join(packages)}", suite, str(root),
        ]
    )  # fmt: skip
    for entry in root.iterdir():
        entry.rename(target / entry.name)
    root.rmdir()
    for name in ("bin", "lib", "lib64", "sbin"):
        # From Trixie on these links come with a package that is not needed otherwise.
        if not (target / name).exists() and (target / "usr" / name).is_dir():
            (target / name).symlink_to(f"usr/{name}")
