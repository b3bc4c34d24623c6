"""What Prometheus scrapes, read by Prometheus' own parser."""

import time
import urllib.error
import urllib.request

import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests.edge.results import PICTURE, face, result

from faceage_edge.address import Address
from faceage_edge.metrics import Metrics
from faceage_edge.result import FrameResult

ANY = Address("127.0.0.1", 0)


def get(metrics: Metrics, path: str) -> str:
    with urllib.request.urlopen(f"http://{metrics.address}{path}", timeout=10) as answer:
        return str(answer.read().decode())


def test_metrics_are_what_prometheus_reads() -> None:
    """Counts, gauges and the histogram parse, and say what was written."""
    with Metrics(ANY, FrameResult.to_json, lambda: 7) as metrics:
        for number in range(3):
            metrics.write(result(number, face(1), face(2)), PICTURE)
        families = list(text_string_to_metric_families(get(metrics, "/metrics")))
    samples = {(s.name, s.labels.get("le")): s.value for f in families for s in f.samples}
    assert samples["faceage_frames_total", None] == 3
    assert samples["faceage_people_total", None] == 2
    assert samples["faceage_faces", None] == 2
    assert samples["faceage_dropped_frames_total", None] == 7
    # Each result took 25 ms.
    assert samples["faceage_result_latency_seconds_bucket", "0.02"] == 0
    assert samples["faceage_result_latency_seconds_bucket", "0.05"] == 3
    assert samples["faceage_result_latency_seconds_bucket", "+Inf"] == 3
    assert samples["faceage_result_latency_seconds_sum", None] == pytest.approx(0.075)
    kinds = {family.name: family.type for family in families}
    assert kinds["faceage_result_latency_seconds"] == "histogram"
    assert kinds["faceage_frames"] == "counter"


def test_health_is_told_by_the_status() -> None:
    """A probe sees 200 while results come, and 503 when none came for a while."""
    with Metrics(ANY, FrameResult.to_json, lambda: 0, stale_s=0.05) as metrics:
        metrics.write(result(), PICTURE)
        time.sleep(0.1)
        with pytest.raises(urllib.error.HTTPError) as caught:
            get(metrics, "/healthz")
        with caught.value:
            assert caught.value.code == 503
            assert b"no result for" in caught.value.read()
    with Metrics(ANY, FrameResult.to_json, lambda: 0) as metrics:
        assert get(metrics, "/healthz") == "ok\n"
