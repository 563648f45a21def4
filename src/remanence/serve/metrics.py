"""What the server counts, in Prometheus' text format. Nothing is sent anywhere."""

import time
from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MEDIA = "text/plain; version=0.0.4; charset=utf-8"
SECONDS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10)


class Metrics:
    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        labels = ("method", "route", "status")
        self.requests = Counter("remanence_requests", "Requests answered.", labels, registry=self.registry)
        self.seconds = Histogram(
            "remanence_request_seconds", "Until the answer began.", ("route",), registry=self.registry, buckets=SECONDS
        )
        self.empty = Counter("remanence_empty_recalls", "Searches that found nothing.", registry=self.registry)

    def text(self, gauges: Iterable[GaugeMetricFamily]) -> bytes:
        """Everything counted, and how things stand."""
        now = CollectorRegistry()
        now.register(_Standing(gauges))
        return bytes(generate_latest(self.registry) + generate_latest(now))


class _Standing:
    def __init__(self, gauges: Iterable[GaugeMetricFamily]):
        self.gauges = gauges

    def collect(self) -> Iterable[GaugeMetricFamily]:
        return self.gauges


class Counted:
    """The layer that counts. A path nobody serves counts as "other": there are endless many."""

    def __init__(self, app: ASGIApp, metrics: Metrics):
        self.app, self.metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        start = time.perf_counter()

        async def seen(message: Message) -> None:
            if message["type"] == "http.response.start":
                route = getattr(scope.get("route"), "path", "other")
                self.metrics.requests.labels(scope["method"], route, message["status"]).inc()
                self.metrics.seconds.labels(route).observe(time.perf_counter() - start)
            await send(message)

        await self.app(scope, receive, seen)
