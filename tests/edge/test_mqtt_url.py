"""Brokers as typed."""

import pytest

from faceage_edge.errors import UsageError
from faceage_edge.mqtt_url import Broker, parse_mqtt_url


@pytest.mark.parametrize(
    ("text", "broker"),
    [
        ("mqtt://broker", Broker("broker", 1883, False, "faceage")),
        ("mqtt://broker:99/house/hall/", Broker("broker", 99, False, "house/hall")),
        (
            "mqtts://me:s%40fe@broker/hall?ca=/etc/ca.pem",
            Broker("broker", 8883, True, "hall", "me", "s@fe", "/etc/ca.pem"),
        ),
    ],
)
def test_brokers_are_read(text: str, broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ports follow the scheme, the prefix begins every topic."""
    monkeypatch.delenv("FACEAGE_MQTT_PASSWORD", raising=False)
    assert parse_mqtt_url(text) == broker
    assert parse_mqtt_url(text).topic("state") == f"{broker.prefix}/state"


def test_the_password_may_stand_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no list of processes shows it; and no message or repr does."""
    monkeypatch.setenv("FACEAGE_MQTT_PASSWORD", "hidden")
    broker = parse_mqtt_url("mqtts://me@broker/hall")
    assert broker.password == "hidden"
    assert "hidden" not in repr(broker)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("http://broker", "no such scheme"),
        ("broker", "no such scheme"),
        ("mqtt://", "no such scheme"),
        ("mqtt://broker:port", "Port could not be cast"),
        ("mqtt://broker/a/#", "cannot begin a topic"),
        ("mqtt://broker/+", "cannot begin a topic"),
        ("mqtt://broker/a?ca=x", "belong to mqtts"),
        ("mqtts://broker/a?qos=2", "'qos' means nothing"),
    ],
)
def test_anything_else_is_refused(text: str, words: str) -> None:
    """With what was expected, and without the password in it."""
    with pytest.raises(UsageError, match=words) as caught:
        parse_mqtt_url(text.replace("://", "://user:secret@") if "//b" in text else text)
    assert "expected mqtt://" in str(caught.value)
    assert "secret" not in str(caught.value)
