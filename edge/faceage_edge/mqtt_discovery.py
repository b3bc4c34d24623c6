"""What Home Assistant must be told for a camera's sensors to appear by themselves.

One retained message a sensor, as https://www.home-assistant.io/integrations/mqtt/#mqtt-discovery
describes: homeassistant/<component>/<node>/<object>/config.
"""

from typing import Any

from faceage_edge import __version__
from faceage_edge.mqtt_url import Broker

__all__ = ["discovery_messages"]

# Seconds without a result after which a reading counts as no longer true.
_EXPIRES_S = 120
_SENSORS: tuple[tuple[str, dict[str, Any]], ...] = (
    (
        "people",
        {
            "name": "People in view",
            "value_template": "{{ value_json.people }}",
            "unit_of_measurement": "people",
            "state_class": "measurement",
            "icon": "mdi:account-group",
        },
    ),
    (
        "age",
        {
            "name": "Age",
            # Nobody in view renders as None, which Home Assistant shows as unknown.
            "value_template": "{{ value_json.age }}",
            "unit_of_measurement": "years",
            "icon": "mdi:cake-variant",
        },
    ),
    (
        "delay",
        {
            "name": "Capture to result",
            "value_template": "{{ value_json.latency_ms }}",
            "unit_of_measurement": "ms",
            "device_class": "duration",
            "state_class": "measurement",
            "entity_category": "diagnostic",
        },
    ),
)
_GENDER: tuple[str, dict[str, Any]] = (
    "gender",
    {
        "name": "Gender",
        "value_template": "{{ value_json.gender }}",
        "icon": "mdi:human-male-female",
    },
)


def discovery_messages(
    broker: Broker, *, genders: bool = False
) -> list[tuple[str, dict[str, Any] | None]]:
    """Return topics and payloads, one for each sensor.

    Args:
        broker: its prefix names the device and the topics that the sensors read.
        genders: whether the states say gender. Where they do not its payload is None, to be sent
            empty: the sensor that an earlier run told of goes.
    """
    node = f"faceage_{broker.identity}"
    shared = {
        "state_topic": broker.topic("state"),
        "availability_topic": broker.topic("availability"),
        "expire_after": _EXPIRES_S,
        "device": {
            "identifiers": [node],
            "name": f"faceage {broker.prefix}",
            "manufacturer": "faceage",
            "model": "faceage-camera",
            "sw_version": __version__,
        },
        "origin": {"name": "faceage", "sw_version": __version__},
    }
    told: list[tuple[str, dict[str, Any] | None]] = [
        (_topic(node, name), {**shared, **sensor, "unique_id": f"{node}_{name}"})
        for name, sensor in (*_SENSORS, *((_GENDER,) if genders else ()))
    ]
    return told if genders else [*told, (_topic(node, _GENDER[0]), None)]


def _topic(node: str, name: str) -> str:
    return f"homeassistant/sensor/{node}/{name}/config"
