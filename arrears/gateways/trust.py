"""Whom this house believes over HTTPS."""

from __future__ import annotations

import ssl
from functools import cache

import httpx


@cache
def trusted() -> ssl.SSLContext:
    """The public authorities, for every client of this process: reading their certificates takes longer than many a request."""
    return httpx.create_ssl_context(trust_env=False)
