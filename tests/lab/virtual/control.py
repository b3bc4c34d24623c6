"""In the lab's virtual machine: set a control of vivid, the kernel's test camera, to its most.

    python3 control.py DEVICE "Horizontal Movement"|Disconnect

Colour bars that stand still, without a sensor's noise, are a frozen camera to our program, so they
are let move. Disconnect unplugs the camera, until whoever has it open lets it go.
Structures and numbers are those of linux/videodev2.h.
"""

import fcntl
import os
import struct
import sys

_QUERY, _SET = 0xC0445624, 0xC008561C  # VIDIOC_QUERYCTRL, VIDIOC_S_CTRL
_NEXT = 0x80000000  # V4L2_CTRL_FLAG_NEXT_CTRL
_CONTROL = "=II32siiiiIII"  # id, type, name, minimum, maximum, ...


def main() -> None:
    """Find the control by its name and set it."""
    device = os.open(sys.argv[1], os.O_RDWR)
    wanted = sys.argv[2].encode()
    number = 0
    while True:
        # Behind the last one the kernel refuses, and that ends this program with its reason.
        asked = struct.pack(_CONTROL, number | _NEXT, 0, b"", 0, 0, 0, 0, 0, 0, 0)
        number, _, name, _, most, *_ = struct.unpack(_CONTROL, fcntl.ioctl(device, _QUERY, asked))
        if name.rstrip(b"\0") == wanted:
            fcntl.ioctl(device, _SET, struct.pack("=Ii", number, most))
            return


if __name__ == "__main__":
    main()
