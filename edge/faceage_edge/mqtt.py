"""Results to an MQTT broker: `faceage-camera --mqtt mqtt[s]://user:pass@host/prefix`.

`prefix/state` gets a JSON object at most once a second, `prefix/availability` says online or
offline (the broker says it for us when we are gone), and Home Assistant is told of the sensors.
"""

import json
import threading
from collections.abc import Callable
from typing import Any

from faceage_edge.errors import UsageError, missing_extra
from faceage_edge.frames import Picture
from faceage_edge.latest import Latest
from faceage_edge.mqtt_discovery import discovery_messages
from faceage_edge.mqtt_url import Broker
from faceage_edge.result import FrameResult

__all__ = ["Mqtt"]

_KEEPALIVE_S = 30
# Between attempts to reach a broker, seconds: the first and the longest.
_BACK_OFF_S = (1, 60)
# How long the last words may take at the end, seconds.
_FAREWELL_S = 1.0
# What the state says of the surest face on top, and what beside it where gender is asked for.
_BEST = ("age", "age_low", "age_high")
_BEST_GENDER = ("gender", "gender_share")


class Mqtt:
    """A sink that publishes; a broker that is slow, down or gone costs the loop nothing."""

    def __init__(
        self,
        broker: Broker,
        document: Callable[[FrameResult], dict[str, Any]],
        *,
        genders: bool = False,
        pause_s: float = 1.0,
    ) -> None:
        """Prepare the client; nothing is sent yet.

        Args:
            broker: where to publish.
            document: a result as the JSON lines have it.
            genders: whether that says gender; Home Assistant is told of it then alone.
            pause_s: seconds between two states at least.

        Raises:
            MissingExtraError: paho-mqtt is not installed.
            UsageError: the certificates cannot be read.
        """
        self._broker = broker
        self._document = document
        self._genders = genders
        self._connected = False
        self._words = "no answer yet"
        self._pending: Any = None
        self._latest: Latest[FrameResult] = Latest(self._publish, name="mqtt", pause_s=pause_s)
        self._client = self._new_client()

    def _new_client(self) -> Any:
        try:
            from paho.mqtt import client as paho
            from paho.mqtt.enums import CallbackAPIVersion
        except ImportError as error:
            raise missing_extra("paho-mqtt", "mqtt") from error
        broker = self._broker
        client = paho.Client(CallbackAPIVersion.VERSION2, client_id=f"faceage-{broker.identity}")
        if broker.user is not None:
            client.username_pw_set(broker.user, broker.password)
        if broker.tls:
            try:
                client.tls_set(ca_certs=broker.ca)
            except (OSError, ValueError) as error:
                raise UsageError(f"--mqtt: cannot use the certificates: {error}") from error
        client.will_set(broker.topic("availability"), "offline", qos=1, retain=True)
        client.reconnect_delay_set(*_BACK_OFF_S)
        client.on_connect = self._on_connect
        client.on_connect_fail = self._on_connect_fail
        client.on_disconnect = self._on_disconnect
        return client

    def write(self, result: FrameResult, picture: Picture) -> None:  # noqa: ARG002
        """Leave a result to be published; the newest one is."""
        self._latest.offer(result)

    def _publish(self, result: FrameResult) -> None:
        # One message on its way at most: a broker that takes none would fill the memory.
        if not self._connected or (self._pending is not None and not self._pending.is_published()):
            return
        document = self._document(result)
        faces = document["faces"]
        names = _BEST + _BEST_GENDER if self._genders else _BEST
        best = {name: faces[0].get(name) if faces else None for name in names}
        state = {"people": len(faces), **best, **document}
        self._pending = self._client.publish(self._broker.topic("state"), json.dumps(state))

    def _on_connect(self, client: Any, _data: Any, _flags: Any, reason: Any, _more: Any) -> None:
        if reason.is_failure:
            self._words = f"refused: {reason}"
            return
        for topic, payload in discovery_messages(self._broker, genders=self._genders):
            told = "" if payload is None else json.dumps(payload)
            client.publish(topic, told, qos=1, retain=True)
        client.publish(self._broker.topic("availability"), "online", qos=1, retain=True)
        # A message that the last connection lost would hold up all others.
        self._pending = None
        self._words = "connection lost"
        self._connected = True

    def _on_connect_fail(self, *_: Any) -> None:
        self._words = "cannot be reached"

    def _on_disconnect(self, *arguments: Any) -> None:
        # After a refusal this comes too, and the refusal says more.
        was_connected, self._connected = self._connected, False
        if was_connected and arguments[3].is_failure:
            self._words = f"connection lost: {arguments[3]}"

    def remarks(self) -> list[str]:
        """Whether the broker could not be reached, or what else went wrong."""
        if self._connected or not self._words:
            return self._latest.remarks()
        where = f"{self._broker.host}:{self._broker.port}"
        return [f"--mqtt {where}: {self._words}", *self._latest.remarks()]

    def __enter__(self) -> "Mqtt":
        # Both return at once; a thread of the client's own connects, and does so again.
        self._client.connect_async(self._broker.host, self._broker.port, _KEEPALIVE_S)
        self._client.loop_start()
        self._latest.start()
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        self._latest.stop()
        if self._connected:
            topic = self._broker.topic("availability")
            last = self._client.publish(topic, "offline", qos=1, retain=True)
            try:
                last.wait_for_publish(_FAREWELL_S)
            except (RuntimeError, ValueError):
                pass  # the connection broke this moment; the broker says offline for us
            else:
                self._words = ""
        self._client.disconnect()
        # Waits for the client's thread, which may be in a long attempt to connect: not for ever.
        ending = threading.Thread(target=self._client.loop_stop, name="mqtt-end", daemon=True)
        ending.start()
        ending.join(_FAREWELL_S)
