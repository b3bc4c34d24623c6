"""In the lab's virtual machine: `faceage-camera` whole; its worker is killed, its camera unplugged.

    python3 supervised.py FRAMES >results.jsonl

The supervisor must begin anew on the camera that the dead worker had open, again when the camera is
back, and go on to the end. Ends with its exit code.
"""

import os
import signal
import subprocess
import sys
from pathlib import Path

# An emulated processor is slower than what the usual limits are for.
PATIENCE = ("--start-within", "400", "--patience", "60")
SIZE = ("--width", "640", "--height", "480")


def main() -> int:
    """Pass its results on; kill the worker after a third of them, unplug after two."""
    (frames,) = sys.argv[1:]
    words = ["--source", "0", *SIZE, *PATIENCE, "--max-frames", frames]
    command = [sys.executable, "-m", "faceage_edge.camera_entry", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        for number, line in enumerate(process.stdout, start=1):
            sys.stdout.buffer.write(line)
            if number == int(frames) // 3:
                listed = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()
                (worker,) = listed.split()
                os.kill(int(worker), signal.SIGKILL)
            elif number == 2 * int(frames) // 3:
                control = Path(__file__).with_name("control.py")
                subprocess.run([sys.executable, control, "/dev/video0", "Disconnect"], check=True)
        return process.wait()


if __name__ == "__main__":
    sys.exit(main())
