"""Results at a real broker: mosquitto, plain, with a user, with TLS, and gone."""

import json
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion
from tests.edge.results import PICTURE, face, result

from faceage_edge.errors import MissingExtraError, UsageError
from faceage_edge.mqtt import Mqtt
from faceage_edge.mqtt_url import Broker, parse_mqtt_url
from faceage_edge.result import FrameResult

MOSQUITTO = shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/usr/bin")
with_broker = pytest.mark.skipif(
    MOSQUITTO is None, reason="needs a mosquitto (apt install mosquitto)"
)
Messages = dict[str, list[tuple[str, bool]]]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def mosquitto(folder: Path, port: int, *lines: str) -> Iterator[subprocess.Popen[bytes]]:
    """A broker on the port, with these lines of configuration."""
    assert MOSQUITTO is not None
    configuration = folder / "mosquitto.conf"
    words = [f"listener {port} 127.0.0.1", *(lines or ("allow_anonymous true",))]
    # As root it would become a user who may not read the test's folder.
    configuration.write_text("\n".join(["user root", *words]) + "\n")
    process = subprocess.Popen(
        [MOSQUITTO, "-c", str(configuration)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        until = time.monotonic() + 10
        while True:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except OSError:
                assert time.monotonic() < until, "mosquitto does not listen"
                time.sleep(0.02)
        yield process
    finally:
        process.kill()
        process.wait()


@contextmanager
def listening(port: int, prepare: Callable[[Any], None] = lambda _: None) -> Iterator[Messages]:
    """Everything published, by topic, with whether the broker had retained it."""
    found: Messages = {}
    subscribed = threading.Event()
    client = paho.Client(CallbackAPIVersion.VERSION2)
    prepare(client)

    def on_message(_client: object, _data: object, message: Any) -> None:
        found.setdefault(message.topic, []).append((message.payload.decode(), message.retain))

    client.on_message = on_message

    def on_connect(*_: Any) -> None:
        client.subscribe("#")

    client.on_connect = on_connect
    client.on_subscribe = lambda *_: subscribed.set()
    client.connect("127.0.0.1", port)
    client.loop_start()
    try:
        assert subscribed.wait(10)
        yield found
    finally:
        client.disconnect()
        client.loop_stop()


def wait_for(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + 15
    while not condition():
        assert time.monotonic() < until, "it did not come"
        time.sleep(0.02)


def sink(broker: Broker) -> Mqtt:
    return Mqtt(broker, FrameResult.to_json, pause_s=0.01)


def publish_until(mqtt: Mqtt, found: Messages, topic: str) -> None:
    def came() -> bool:
        mqtt.write(result(3, face(1, 34.0), face(2, 60.0)), PICTURE)
        return topic in found

    wait_for(came)


@with_broker
def test_states_arrive_and_the_sensors_introduce_themselves(tmp_path: Path) -> None:
    """State, availability from online to offline, and what Home Assistant needs, retained."""
    port = free_port()
    with mosquitto(tmp_path, port), listening(port) as found:
        mqtt = sink(parse_mqtt_url(f"mqtt://127.0.0.1:{port}/house/hall"))
        with mqtt:
            publish_until(mqtt, found, "house/hall/state")
            assert found["house/hall/availability"][-1][0] == "online"
        wait_for(lambda: found["house/hall/availability"][-1][0] == "offline")
        assert mqtt.remarks() == []
        state = json.loads(found["house/hall/state"][-1][0])
        assert (state["people"], state["age"], state["age_low"]) == (2, 34.0, 28.0)
        assert [entry["track"] for entry in state["faces"]] == [1, 2]
        with listening(port) as retained:
            wait_for(lambda: len(retained) >= 4)
    assert retained["house/hall/availability"] == [("offline", True)]
    topics = sorted(topic for topic in retained if topic.startswith("homeassistant/"))
    node = "homeassistant/sensor/faceage_house_hall"
    assert topics == [f"{node}/{name}/config" for name in ("age", "delay", "people")]
    for topic in topics:
        config = json.loads(retained[topic][0][0])
        # What the MQTT integration needs to make an entity of a device and to know it again.
        assert config["state_topic"] == "house/hall/state"
        assert config["availability_topic"] == "house/hall/availability"
        assert config["device"]["identifiers"] == ["faceage_house_hall"]
        assert config["unique_id"].startswith("faceage_house_hall_")
        field = config["value_template"].removeprefix("{{ value_json.").removesuffix(" }}")
        assert field in state


@with_broker
def test_gender_is_told_where_it_is_asked_for(tmp_path: Path) -> None:
    """The state says that of the surest face, and Home Assistant has a sensor; without, neither."""
    port, topic = free_port(), "homeassistant/sensor/faceage_hall/gender/config"
    broker = parse_mqtt_url(f"mqtt://127.0.0.1:{port}/hall")
    surest, other = face(1, gender=("female", 0.9)), face(2, gender=("male", 0.8))
    with mosquitto(tmp_path, port), listening(port) as found:
        with Mqtt(broker, FrameResult.to_json, genders=True, pause_s=0.01) as mqtt:
            for faces, said in (((surest, other), ["female", 0.9]), ((), [None, None])):
                told = f'"gender": {json.dumps(said[0])}, "gender_share": {json.dumps(said[1])}, "f'

                def came(told: str = told, faces: Any = faces) -> bool:
                    mqtt.write(result(3, *faces), PICTURE)
                    return any(told in state for state, _ in found.get("hall/state", []))

                wait_for(came)
        config = json.loads(found[topic][-1][0])
        assert config["value_template"] == "{{ value_json.gender }}"
        assert config["unique_id"] == "faceage_hall_gender"
        found.clear()
        with sink(broker) as mqtt:
            publish_until(mqtt, found, "hall/state")
        # An empty message takes the retained one away, and Home Assistant its sensor.
        assert [payload for payload, _ in found[topic]] == [""]
        assert "gender" not in found["hall/state"][-1][0]
        with listening(port) as retained:
            wait_for(lambda: len(retained) >= 4)
    assert topic not in retained


@with_broker
def test_when_we_are_gone_the_broker_says_so(tmp_path: Path) -> None:
    """The last will: a process that dies is offline without a word of its own."""
    port = free_port()
    code = (
        "import os, time; from faceage_edge.mqtt import Mqtt\n"
        "from faceage_edge.mqtt_url import parse_mqtt_url\n"
        "from faceage_edge.result import FrameResult\n"
        f"m = Mqtt(parse_mqtt_url('mqtt://127.0.0.1:{port}/hall'), FrameResult.to_json)\n"
        "m.__enter__(); time.sleep(60)\n"
    )
    with mosquitto(tmp_path, port), listening(port) as found:
        process = subprocess.Popen([sys.executable, "-c", code])
        wait_for(lambda: ("online", False) in found.get("hall/availability", []))
        process.kill()
        process.wait()
        wait_for(lambda: found["hall/availability"][-1][0] == "offline")


@with_broker
def test_a_user_with_a_wrong_password_is_told(tmp_path: Path) -> None:
    """The run goes on, and its end says what the broker said; the right one gets in."""
    port, passwords = free_port(), tmp_path / "passwords"
    subprocess.run(
        ["mosquitto_passwd", "-b", "-c", str(passwords), "me", "right"],
        check=True,
        capture_output=True,
    )
    with mosquitto(tmp_path, port, "allow_anonymous false", f"password_file {passwords}"):
        with sink(parse_mqtt_url(f"mqtt://me:wrong@127.0.0.1:{port}/hall")) as refused:
            wait_for(lambda: any("refused" in line for line in refused.remarks()))
        prepare = lambda client: client.username_pw_set("me", "right")  # noqa: E731
        with (
            listening(port, prepare) as found,
            sink(parse_mqtt_url(f"mqtt://me:right@127.0.0.1:{port}/hall")) as mqtt,
        ):
            publish_until(mqtt, found, "hall/state")


@with_broker
# paho leaves the socket of a failed handshake to the garbage collector.
@pytest.mark.filterwarnings("ignore:Exception ignored in:pytest.PytestUnraisableExceptionWarning")
def test_tls_is_checked(tmp_path: Path) -> None:
    """With the authority's certificate the broker is believed, without it not."""
    port, key, certificate = free_port(), tmp_path / "key.pem", tmp_path / "ca.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
            *("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"),
            *("-keyout", str(key), "-out", str(certificate)),
        ],
        check=True,
        capture_output=True,
    )
    lines = ("allow_anonymous true", f"certfile {certificate}", f"keyfile {key}")
    prepare = lambda client: client.tls_set(ca_certs=str(certificate))  # noqa: E731
    with mosquitto(tmp_path, port, *lines), listening(port, prepare) as found:
        url = f"mqtts://localhost:{port}/hall"
        with sink(parse_mqtt_url(f"{url}?ca={certificate}")) as mqtt:
            publish_until(mqtt, found, "hall/state")
        found.clear()
        with sink(parse_mqtt_url(url)) as mqtt:
            for _ in range(20):
                mqtt.write(result(0, face()), PICTURE)
                time.sleep(0.02)
            assert mqtt.remarks() != []
        assert found == {}


@with_broker
@pytest.mark.slow
def test_a_broker_that_comes_back_is_found_again(tmp_path: Path) -> None:
    """Down from the start, then up: states arrive, with no restart of ours."""
    port = free_port()
    with sink(parse_mqtt_url(f"mqtt://127.0.0.1:{port}/hall")) as mqtt:
        mqtt.write(result(), PICTURE)
        with mosquitto(tmp_path, port), listening(port) as found:
            publish_until(mqtt, found, "hall/state")


def test_a_dead_or_stuck_broker_does_not_slow_the_loop() -> None:
    """Nobody listening, or someone who accepts and never reads: writes stay quick, ends soon."""
    with socket.socket() as stuck:
        stuck.bind(("127.0.0.1", 0))
        stuck.listen()
        for port in (free_port(), stuck.getsockname()[1]):
            before = time.monotonic()
            with sink(Broker("127.0.0.1", port, False, "hall")) as mqtt:
                longest = 0.0
                for number in range(200):
                    began = time.monotonic()
                    mqtt.write(result(number, face()), PICTURE)
                    longest = max(longest, time.monotonic() - began)
            # Hiccups of a shared machine; one wait for a broker would be whole seconds.
            assert longest < 1
            assert time.monotonic() - before < 8
            (line,) = mqtt.remarks()
            assert line.endswith((": cannot be reached", ": no answer yet"))


def test_without_paho_the_message_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """And other sinks need no paho."""
    monkeypatch.setitem(sys.modules, "paho.mqtt", None)
    with pytest.raises(MissingExtraError, match=r"faceage\[mqtt\]"):
        sink(Broker("127.0.0.1", 1, False, "hall"))


def test_certificates_that_cannot_be_read_are_said(tmp_path: Path) -> None:
    """Before any frame is looked at."""
    with pytest.raises(UsageError, match="cannot use the certificates"):
        sink(Broker("127.0.0.1", 1, True, "hall", ca=str(tmp_path / "none.pem")))
