"""The way to Temporal: one client for every process, configured as the ``temporal`` command is (``TEMPORAL_ADDRESS``, ``temporal.toml``, …)."""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta

from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest, ListSearchAttributesRequest
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.envconfig import ClientConfig, ClientConnectConfig
from temporalio.runtime import Runtime
from temporalio.service import RPCError, RPCStatusCode

from arrears.workflows.contract import SEARCH_ATTRIBUTES

DEFAULT_ADDRESS = "localhost:7233"

_log = logging.getLogger(__name__)
_ONE_TRY = timedelta(seconds=5)
_WANTED = {key.name: int(key.indexed_value_type) for key in SEARCH_ATTRIBUTES}


class TemporalUnreachable(Exception):
    """No Temporal server answered at the address in time."""

    def __init__(self, address: str, why: object) -> None:
        super().__init__(f"no Temporal server answers at {address} ({why}); start one with `arrears up`, or set TEMPORAL_ADDRESS")
        self.address = address


class SearchAttributeMismatch(Exception):
    """The namespace has one of our search attributes with another type, which no worker could write."""


async def connect(*, address: str | None = None, runtime: Runtime | None = None, within: timedelta = timedelta(seconds=10)) -> Client:
    """A client with our payload conversion, tried again until ``within`` is over.

    ``address`` is that of an embedded server, for which nothing of the environment counts. Raises ``TemporalUnreachable``.
    """
    config = ClientConnectConfig(target_host=address) if address else ClientConfig.load_client_connect_config()
    target = config.get("target_host") or DEFAULT_ADDRESS
    config["target_host"] = target
    loop = asyncio.get_running_loop()
    until = loop.time() + within.total_seconds()
    while True:
        try:
            client = await asyncio.wait_for(
                Client.connect(**config, data_converter=pydantic_data_converter, runtime=runtime), _ONE_TRY.total_seconds()
            )
            await client.service_client.check_health(timeout=_ONE_TRY)
        except (RuntimeError, RPCError, TimeoutError) as failed:
            if loop.time() >= until:
                raise TemporalUnreachable(target, str(failed) or "no answer in time") from failed
            await asyncio.sleep(0.2)
        else:
            return client


async def register_search_attributes(client: Client) -> None:
    """Make sure that the namespace knows the attributes that cases set. Doing it again changes nothing.

    Raises ``SearchAttributeMismatch`` if one exists with another type. A server that lets clients neither list nor add them (a managed one) is
    taken at its operators' word.
    """
    there = await _registered(client)
    if wrong := sorted(name for name, kind in there.items() if _WANTED.get(name, kind) != kind):
        raise SearchAttributeMismatch(
            f"namespace {client.namespace!r} has {', '.join(wrong)} with another type than {_kinds(wrong)}; remove them there, or use a namespace of our own"
        )
    missing = {name: kind for name, kind in _WANTED.items() if name not in there}
    if not missing:
        return
    request = AddSearchAttributesRequest(
        namespace=client.namespace, search_attributes={n: IndexedValueType.ValueType(k) for n, k in missing.items()}
    )
    try:
        await client.operator_service.add_search_attributes(request, timeout=_ONE_TRY)
    except RPCError as refused:
        match refused.status:
            case RPCStatusCode.ALREADY_EXISTS:
                pass  # another process was first
            case RPCStatusCode.PERMISSION_DENIED | RPCStatusCode.UNIMPLEMENTED:
                _log.warning("may not register search attributes in %s: it must have %s", client.namespace, _kinds(sorted(missing)))
            case _:
                raise


async def _registered(client: Client) -> dict[str, int]:
    try:
        answer = await client.operator_service.list_search_attributes(
            ListSearchAttributesRequest(namespace=client.namespace), timeout=_ONE_TRY
        )
    except RPCError as refused:
        if refused.status in (RPCStatusCode.UNIMPLEMENTED, RPCStatusCode.PERMISSION_DENIED):
            return {}  # the time-skipping test server cannot list, and adding twice does no harm there
        raise
    return {name: int(kind) for name, kind in answer.custom_attributes.items()}


def _kinds(names: list[str]) -> str:
    return ", ".join(f"{name}={key.indexed_value_type.name.title()}" for name in names for key in SEARCH_ATTRIBUTES if key.name == name)
