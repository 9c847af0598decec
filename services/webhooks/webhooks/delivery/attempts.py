"""A delivery that is due, and what became of an attempt at it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class DueDelivery:
    """A delivery to be attempted now, by whoever holds its lease. `attempts`: how many were recorded before."""

    id: str
    lease: str
    attempts: int
    endpoint_id: str
    url: str
    secret: str
    event_id: str
    trigger: str
    body: bytes
    traceparent: str | None


@dataclass(frozen=True)
class Answer:
    """An endpoint's answer: status, the beginning of the body, and the wait it asked for; or, without one, why."""

    status: int | None = None
    body: bytes = b""
    retry_after_s: float | None = None
    error: str | None = None


@dataclass(frozen=True)
class Attempt:
    """One POST. `started_at` is in milliseconds since the epoch."""

    started_at: int
    duration_ms: int
    answer: Answer
