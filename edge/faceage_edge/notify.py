"""Tell systemd how a service fares: the sd_notify protocol over its datagram socket."""

import os
import socket

__all__ = ["Notifier"]


class Notifier:
    """Sends states to the service manager, or nothing where there is none.

    Messages are lost rather than waited for: a manager that does not read must not stop us.
    """

    def __init__(self, address: str | None = None) -> None:
        """Connect; `address` is $NOTIFY_SOCKET where it is None. A leading @ is Linux's abstract
        namespace."""
        named = os.environ.get("NOTIFY_SOCKET", "") if address is None else address
        self._socket: socket.socket | None = None
        if not named.startswith(("/", "@")):
            return
        made = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        try:
            made.setblocking(False)
            made.connect("\0" + named[1:] if named.startswith("@") else named)
        except OSError:
            made.close()
            return
        self._socket = made

    def close(self) -> None:
        """Let go of the socket."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def send(self, **states: str | int) -> None:
        """Send states such as READY=1, WATCHDOG=1 or STATUS=text."""
        if self._socket is None:
            return
        text = "\n".join(f"{key}={value}" for key, value in states.items())
        try:
            self._socket.send(text.encode())
        except OSError:
            return
