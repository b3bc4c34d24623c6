"""Addresses that a server of ours listens on, as typed: PORT or HOST:PORT."""

import ipaddress
from dataclasses import dataclass

from faceage_edge.errors import UsageError

__all__ = ["Address", "parse_address"]

_LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Address:
    """Where to listen; port 0 lets the system choose."""

    host: str
    port: int

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach it. A name other than localhost counts as not."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


def parse_address(text: str, option: str) -> Address:
    """Read PORT, HOST:PORT or [IPv6]:PORT.

    Args:
        text: as typed; without a host this machine alone is meant.
        option: the option it came with, for messages.

    Raises:
        UsageError: something else.
    """
    host, colon, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not (port.isascii() and port.isdigit() and int(port) < 65536) or (colon and not host):
        raise UsageError(
            f"{option} {text} is no address; expected a port such as 8000 (this machine alone), "
            "or a host and a port such as 0.0.0.0:8000"
        )
    return Address(host or _LOOPBACK, int(port))
