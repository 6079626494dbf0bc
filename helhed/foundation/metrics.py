"""Numbers about the service, never about a person. Labels come from closed lists only."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics, generate_latest

disable_created_metrics()  # type: ignore[no-untyped-call]  # they would be moments of one worker, and mean nothing in a sum
REGISTRY = CollectorRegistry()
REQUESTS = Counter("helhed_requests", "Answered requests.", ["door", "interaction", "status"], registry=REGISTRY)
SECONDS = Histogram(
    "helhed_request_seconds",
    "Time to answer.",
    ["door"],
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1, 5),
    registry=REGISTRY,
)
BATCHES = Gauge("helhed_batches", "Statements that carried decided reads, by the workers that run.", registry=REGISTRY)
BATCHED = Gauge("helhed_batched_reads", "Decided reads carried by them.", registry=REGISTRY)
WAITING = Gauge("helhed_waiting_reads", "Reads waiting for a statement.", registry=REGISTRY)
OUTBOX_DELIVERED = Counter("helhed_outbox_delivered", "Events delivered.", ["topic"], registry=REGISTRY)
NOTIFICATIONS = Counter(
    "helhed_notifications",
    "Notifications of subscriptions, by kind and outcome.",
    ["interaction", "status"],
    registry=REGISTRY,
)
OUTBOX_FAILED = Counter(
    "helhed_outbox_failed", "Events set aside after repeated failure.", ["topic"], registry=REGISTRY
)
WATCH_ROWS = Counter("helhed_watch_rows", "Rows of the log that were taken in to be watched.", registry=REGISTRY)
WATCH_CASES = Counter("helhed_watch_cases", "Cases that the watching job opened.", registry=REGISTRY)

DECLARATIONS = Counter(
    "helhed_declarations_followed_up",
    "Declared treatment relations past their deadline.",
    ["outcome"],
    registry=REGISTRY,
)
SOURCE_ANSWERS = Counter(
    "helhed_source_answers", "Questions to live sources, by what became of them.", ["outcome"], registry=REGISTRY
)
LOG_INS = Counter("helhed_log_ins", "Log-ins at the portals.", ["means", "outcome"], registry=REGISTRY)

#: what every worker knows of the whole network, and nobody adds up
NETWORK = CollectorRegistry()
INDEX_WAITING = Gauge("helhed_index_work_waiting", "Kinds of values that wait to be indexed.", registry=NETWORK)
INDEX_DONE = Gauge("helhed_index_work_done_ratio", "How much of the stored is indexed for them.", registry=NETWORK)
LOG_SIZE = Gauge("helhed_log_leaves", "Leaves of the log that can be proved.", registry=NETWORK)
LOG_WAITING = Gauge("helhed_log_waiting_seconds", "How long the oldest row waits to be sequenced.", registry=NETWORK)
LOG_HEAD = Gauge("helhed_log_head", "Number of the newest signed head.", registry=NETWORK)
LOG_HEAD_AGE = Gauge(
    "helhed_log_head_age_seconds", "How old it is; it grows while nothing is logged.", registry=NETWORK
)
WITNESSES_BEHIND = Gauge(
    "helhed_log_witnesses_behind", "Heads that the slowest witness has not signed.", registry=NETWORK
)


def exposition(registry: CollectorRegistry = REGISTRY) -> bytes:
    """The text format of Prometheus."""
    return generate_latest(registry)
