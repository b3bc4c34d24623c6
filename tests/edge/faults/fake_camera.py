"""The installed `faceage-camera` before a camera whose behaviour a test decides."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
from tests.edge.faults import running
from tests.edge.faults.running import Running

__all__ = ["FakeCamera"]

_FAULTS = Path(__file__).parent


class FakeCamera:
    """A folder that says what sitecustomize.py's camera does: 25 frames a second, with noise."""

    def __init__(self, folder: Path, picture: npt.NDArray[np.uint8]) -> None:
        """Show a picture, uint8 (height, width, 3), BGR."""
        folder.mkdir(exist_ok=True)
        self.folder = folder
        self.show(picture)
        self.turn("run")

    def show(self, picture: npt.NDArray[np.uint8]) -> None:
        """What is before the lens of whoever opens it next."""
        np.save(self.folder / "frame.npy", picture)

    def turn(self, mode: str) -> None:
        """Behave otherwise from now on; the modes are those of sitecustomize.py."""
        (self.folder / "mode.new").write_text(mode)
        (self.folder / "mode.new").replace(self.folder / "mode")

    def environment(self, **more: object) -> dict[str, str]:
        """Of a process that finds this camera as number 0."""
        return running.environment(PYTHONPATH=_FAULTS, FACEAGE_FAKE_CAMERA=self.folder, **more)

    def run(self, *arguments: object, **more: object) -> Running:
        """Start the program on it; what is named goes into its environment."""
        return Running("--source", 0, "--patience", 1, *arguments, env=self.environment(**more))
