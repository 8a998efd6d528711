"""What the server counts beside MLServer's own metrics.

In a module of its own, since MLServer reloads the runtime's module with each model, and a metric may exist only once.
"""

from prometheus_client import Counter, Histogram

ROWS = Counter("model_rows_predicted", "Rows that were predicted", ["model", "sha256"])
REFUSED = Counter("model_requests_refused", "Requests that did not fit the model's schema", ["model", "sha256"])
FAILED = Counter("model_requests_failed", "Requests that the model could not answer", ["model", "sha256"])
UNOBSERVED = Counter("model_rows_unobserved", "Rows that an observer was too slow for, or failed at")
ROWS_PER_REQUEST = Histogram(
    "model_rows_per_request",
    "Rows in a request that was answered",
    ["model", "sha256"],
    buckets=[1, 10, 100, 1000, 10_000],
)
