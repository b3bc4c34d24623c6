"""In the lab's virtual machine: let the picture of vivid, the kernel's test camera, move.

    python3 move.py DEVICE

Colour bars that stand still, without a sensor's noise, are a frozen camera to our program.
Structures and numbers are those of linux/videodev2.h.
"""

import fcntl
import os
import struct
import sys

_QUERY, _SET = 0xC0445624, 0xC008561C  # VIDIOC_QUERYCTRL, VIDIOC_S_CTRL
_NEXT = 0x80000000  # V4L2_CTRL_FLAG_NEXT_CTRL
_CONTROL = "=II32siiiiIII"  # id, type, name, minimum, maximum, ...
_NAME = b"Horizontal Movement"


def main() -> None:
    """Find the control by its name and set it to its fastest."""
    device = os.open(sys.argv[1], os.O_RDWR)
    number = 0
    while True:
        # Behind the last one the kernel refuses, and that ends this program with its reason.
        asked = struct.pack(_CONTROL, number | _NEXT, 0, b"", 0, 0, 0, 0, 0, 0, 0)
        number, _, name, _, most, *_ = struct.unpack(_CONTROL, fcntl.ioctl(device, _QUERY, asked))
        if name.rstrip(b"\0") == _NAME:
            fcntl.ioctl(device, _SET, struct.pack("=Ii", number, most))
            return


if __name__ == "__main__":
    main()
