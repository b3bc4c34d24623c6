"""Lets the real picamera2 run libcamera's virtual camera; in the lab's root file system only.

That camera delivers NV12 and nothing else, has no raw modes, wants a buffer of two planes, as
libcamera's own allocator makes, and (in 0.4) does not say of a frame that it succeeded. What
picamera2 imports to draw on a screen and to write DNG files is not there.
"""

import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType, SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

_PATCHED = "picamera2.picamera2"
_SIZE = (640, 480)

for _absent in ("pykms", "pidng", "pidng.camdefs", "pidng.core"):
    sys.modules[_absent] = MagicMock()


class _Patching(MetaPathFinder):
    """Patches picamera2's main module as soon as it is loaded."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name != _PATCHED:
            return None
        spec = PathFinder.find_spec(name, path, target)
        assert spec is not None and spec.loader is not None
        spec.loader = _Loader(spec.loader)
        return spec


class _Loader(Loader):
    def __init__(self, inner: Loader) -> None:
        self._inner = inner

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._inner.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self._inner.exec_module(module)
        _patch(module)


def _patch(module: Any) -> None:
    from picamera2.allocators.allocator import Allocator
    from picamera2.allocators.libcameraallocator import LibcameraAllocator

    camera, request = module.Picamera2, module.CompletedRequest
    # What a camera that is closed allocates with.
    module.DmaAllocator = Allocator
    module.next = _succeeded
    begin, configure, make_array = camera.__init__, camera.configure, request.make_array

    def begin_with(self: Any, number: int = 0) -> None:
        begin(self, number)
        self.allocator = LibcameraAllocator(self.camera)

    def configure_as_asked(self: Any, wanted: dict[str, Any]) -> None:
        asked = {name: wanted[name]["format"] for name in ("main", "lores") if wanted.get(name)}
        configure(self, wanted)
        given = self.camera_configuration()
        assert {given[name]["format"] for name in asked} == {"NV12"}
        self.asked = {name: given[name] | {"format": kind} for name, kind in asked.items()}

    def array_as_asked(self: Any, name: str) -> Any:
        return _converted(make_array(self, name), self.picam2.asked[name]["format"])

    camera._get_raw_modes = lambda _: [{"format": "NV12", "size": _SIZE}]
    camera.__init__ = begin_with
    camera.configure = configure_as_asked
    camera.camera_configuration = lambda self: getattr(self, "asked", self.camera_config)
    request.make_array = array_as_asked


def _succeeded(items: Any) -> Any:
    """The next one; of a frame's buffer its status alone, which is what is asked of it."""
    from libcamera import FrameBuffer, FrameMetadata

    item = next(items)
    if not isinstance(item, FrameBuffer):
        return item
    return SimpleNamespace(metadata=SimpleNamespace(status=FrameMetadata.Status.Success))


def _converted(nv12: Any, kind: str) -> Any:
    """Bring (3/2 height, width), of full range as JPEG files have it, to what was asked for."""
    import cv2

    height, width = nv12.shape[0] * 2 // 3, nv12.shape[1]
    blue_red = nv12[height:].reshape(height // 2, width // 2, 2)
    red_blue = cv2.resize(blue_red, (width, height))[..., ::-1]
    bgr = cv2.cvtColor(cv2.merge([nv12[:height], red_blue]), cv2.COLOR_YCrCb2BGR)
    return bgr if kind == "RGB888" else cv2.cvtColor(bgr, cv2.COLOR_BGR2YUV_I420)


sys.meta_path.insert(0, _Patching())
