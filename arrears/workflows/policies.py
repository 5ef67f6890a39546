"""How long the activities may take and how they are retried."""

from __future__ import annotations

from datetime import timedelta

from temporalio.common import RetryPolicy

LEDGER_TIMEOUT = timedelta(seconds=30)
"""For one attempt of an activity that only touches the ledger."""

LEDGER_RETRIES = RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(minutes=1))
"""The ledger comes back: try for ever, a case is never lost because a database was down."""

MISSED_AFTER = timedelta(seconds=10)
"""A worker that gives no sign of life for so long is gone: what it had in hand is tried again elsewhere. A call waits without a worker and gives none."""

SEND_TIMEOUT = timedelta(seconds=60)
"""For one attempt of an activity that also asks a gateway."""

SEND_RETRIES = RetryPolicy(
    initial_interval=timedelta(seconds=2), backoff_coefficient=3.0, maximum_interval=timedelta(minutes=10), maximum_attempts=10
)
"""About an hour of retries. Each attempt asks the law and the gateway anew, so a late one is never an unlawful or a second one.

A call's attempt without an outcome ends after the call's own time, and the next one asks the gateway. The last attempt settles what nobody can tell as unknown.
"""
