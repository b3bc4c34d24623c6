"""The broker and the topics that `--mqtt` names: mqtt[s]://user:pass@host:port/prefix?ca=FILE."""

import os
import re
from dataclasses import dataclass, field
from urllib.parse import parse_qs, unquote, urlsplit

from faceage_edge.errors import UsageError

__all__ = ["Broker", "parse_mqtt_url"]

# Ports that the MQTT specification's registration gives to plain and TLS connections.
_PORTS = {"mqtt": 1883, "mqtts": 8883}
_PASSWORD = "FACEAGE_MQTT_PASSWORD"


@dataclass(frozen=True)
class Broker:
    """Where to publish. `prefix` begins every topic, `ca` is a file of certificates to trust."""

    host: str
    port: int
    tls: bool
    prefix: str
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    ca: str | None = None

    @property
    def identity(self) -> str:
        """The prefix as a name: what tells this camera from others at the broker."""
        return re.sub(r"[^A-Za-z0-9]+", "_", self.prefix).strip("_").lower()

    def topic(self, name: str) -> str:
        """A topic of this camera."""
        return f"{self.prefix}/{name}"


def parse_mqtt_url(text: str) -> Broker:
    """Read a broker's URL.

    Args:
        text: `mqtt://` or, with TLS, `mqtts://`; the password may stand in the environment
            variable FACEAGE_MQTT_PASSWORD instead, where no list of processes shows it.

    Raises:
        UsageError: anything else.
    """
    try:
        url = urlsplit(text)
        port = url.port
    except ValueError as error:
        raise _refused(str(error)) from error
    if url.scheme not in _PORTS or not url.hostname:
        raise _refused("found no such scheme and host")
    prefix = unquote(url.path).strip("/") or "faceage"
    forbidden = "#" in text or any(sign in prefix for sign in "+#\0")
    if forbidden or not re.search("[A-Za-z0-9]", prefix):
        raise _refused(f"the prefix {prefix!r} cannot begin a topic")
    query = parse_qs(url.query)
    if strange := sorted(set(query) - {"ca"}):
        raise _refused(f"{strange[0]!r} means nothing there; ?ca=FILE is known")
    if "ca" in query and url.scheme != "mqtts":
        raise _refused("certificates belong to mqtts://")
    password = unquote(url.password) if url.password is not None else os.environ.get(_PASSWORD)
    user = unquote(url.username) if url.username else None
    return Broker(
        host=url.hostname,
        port=port or _PORTS[url.scheme],
        tls=url.scheme == "mqtts",
        prefix=prefix,
        user=user,
        password=password if user else None,
        ca=query["ca"][0] if "ca" in query else None,
    )


def _refused(why: str) -> UsageError:
    # The URL itself may hold a password and is not repeated.
    return UsageError(
        f"--mqtt: {why}; expected mqtt://host/prefix or mqtts://user:password@host:8883/prefix"
    )
