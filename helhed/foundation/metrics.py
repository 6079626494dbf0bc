"""Numbers about the service, never about a person. Labels come from closed lists only."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

REGISTRY = CollectorRegistry()
REQUESTS = Counter("helhed_requests", "Answered requests.", ["door", "interaction", "status"], registry=REGISTRY)
SECONDS = Histogram(
    "helhed_request_seconds",
    "Time to answer.",
    ["door"],
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1, 5),
    registry=REGISTRY,
)
BATCHES = Gauge("helhed_batches", "Statements that carried decided reads since start.", registry=REGISTRY)
BATCHED = Gauge("helhed_batched_reads", "Decided reads carried by them.", registry=REGISTRY)
WAITING = Gauge("helhed_waiting_reads", "Reads waiting for a statement.", registry=REGISTRY)
OUTBOX_DELIVERED = Counter("helhed_outbox_delivered", "Events delivered.", ["topic"], registry=REGISTRY)
OUTBOX_FAILED = Counter(
    "helhed_outbox_failed", "Events set aside after repeated failure.", ["topic"], registry=REGISTRY
)


def exposition() -> bytes:
    """The text format of Prometheus."""
    return generate_latest(REGISTRY)
