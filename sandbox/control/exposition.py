"""The numbers of a process as Prometheus reads them: every family with its name, its help and its samples.

Imported when they are asked for, and not before: the client library is not part of a start.
"""

from collections.abc import Iterator
from itertools import accumulate
from typing import TYPE_CHECKING

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, InfoMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector, CollectorRegistry

from sandbox import __version__
from sandbox.core.resident import resident_bytes
from sandbox.http.meter import BOUNDS_S, NO_STATUS

if TYPE_CHECKING:
    from sandbox.control.metrics import Reading

__all__ = ["CONTENT_TYPE", "exposition"]

CONTENT_TYPE: str = CONTENT_TYPE_PLAIN_0_0_4

_LIMITS = (*map(str, BOUNDS_S), "+Inf")


def exposition(reading: "Reading") -> bytes:
    """The text format of Prometheus, version 0.0.4."""
    registry = CollectorRegistry()
    registry.register(_Families(reading))
    return generate_latest(registry)


class _Families(Collector):
    """Makes the families of one reading."""

    def __init__(self, reading: "Reading") -> None:
        self._reading = reading

    def collect(self) -> Iterator[Metric]:
        """All families, in the order of docs/logging.md."""
        reading = self._reading
        yield self._requests()
        yield self._durations()
        refusals = CounterMetricFamily(
            "sandbank_refusals", "Refusals that clients were told, by the code of the problem.", labels=["code"]
        )
        for code, count in sorted(reading.refusals.items()):
            refusals.add_metric([code], count)
        yield refusals
        yield CounterMetricFamily(
            "sandbank_writes",
            "Writes committed in all sandboxes, those of sandboxes that are gone included.",
            value=reading.writes,
        )
        yield GaugeMetricFamily("sandbank_sandboxes", "Sandboxes that there are.", value=reading.sandboxes)
        yield GaugeMetricFamily(
            "sandbank_sandboxes_sleeping",
            "Sandboxes asleep: they keep only what differs from their image, and their next use wakes them.",
            value=reading.asleep,
        )
        yield GaugeMetricFamily(
            "sandbank_outbox_lag",
            "Events committed that the slowest subscriber of the outbox has not taken on yet.",
            value=reading.outbox_lag,
        )
        resident = resident_bytes()
        if resident is not None:
            words = "Memory that the process holds right now, in bytes, as the operating system counts it."
            yield GaugeMetricFamily("sandbank_resident_memory_bytes", words, value=resident)
            yield GaugeMetricFamily("process_resident_memory_bytes", f"{words} The usual name.", value=resident)
        yield InfoMetricFamily("sandbank_build", "What is running; always 1.", value={"version": __version__})

    def _requests(self) -> Metric:
        family = CounterMetricFamily(
            "sandbank_requests",
            "Requests that are over, by operation, method and status of the answer.",
            labels=["operation", "method", "status"],
        )
        told = {
            (operation, method, NO_STATUS if status is None else str(status)): count
            for (operation, method, status), count in self._reading.requests.items()
        }
        for labels, count in sorted(told.items()):
            family.add_metric(labels, count)
        return family

    def _durations(self) -> Metric:
        family = HistogramMetricFamily(
            "sandbank_request_duration_seconds",
            "Seconds from the start of a request to the end of its answer, by operation.",
            labels=["operation"],
        )
        for operation, (counts, seconds) in sorted(self._reading.durations.items()):
            buckets = list(zip(_LIMITS, map(float, accumulate(counts)), strict=True))
            family.add_metric([operation], buckets, seconds)
        return family
