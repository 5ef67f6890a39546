"""Every side effect that a case may ask for, under the names of :class:`arrears.domain.orders.Activity`."""

from arrears.activities.registry import Activities

__all__ = ["Activities"]
