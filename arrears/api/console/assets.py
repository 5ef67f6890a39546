"""The console's own files for the browser: read once, named with a part of their hash, so that a browser keeps each for ever and never has an old one."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from pathlib import Path

from fastapi import APIRouter, Request, Response

from arrears.api.problems import Problem

STATIC = Path(__file__).with_name("static")
_KINDS = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml", ".png": "image/png"}
_MARK_LENGTH = 12
_FOR_EVER = "public, max-age=31536000, immutable"
_ASK_AGAIN = "no-cache"

router = APIRouter()


@dataclass(frozen=True)
class Asset:
    """A file with its type and its hashes; ``mark`` is what its address is told apart by, ``integrity`` what the browser compares."""

    content: bytes
    kind: str
    mark: str
    integrity: str


@cache
def assets() -> dict[str, Asset]:
    """All files that are served, by the path under ``/static/``."""
    return {path.relative_to(STATIC).as_posix(): _read(path) for path in sorted(STATIC.rglob("*")) if path.suffix in _KINDS}


def asset(name: str) -> str:
    """The address of a file. Raises ``KeyError`` for one that is not there."""
    return f"/static/{name}?v={assets()[name].mark}"


@router.get("/static/{name:path}", include_in_schema=False)
async def static(name: str, request: Request, v: str = "") -> Response:
    found = assets().get(name)
    if found is None:
        raise Problem(HTTPStatus.NOT_FOUND, "not_found", "no such file")
    headers = {"cache-control": _FOR_EVER if v == found.mark else _ASK_AGAIN, "etag": f'"{found.mark}"'}
    if request.headers.get("if-none-match") == headers["etag"]:
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    return Response(found.content, media_type=found.kind, headers=headers)


def _read(path: Path) -> Asset:
    content = path.read_bytes()
    digest = hashlib.sha256(content)
    return Asset(content, _KINDS[path.suffix], digest.hexdigest()[:_MARK_LENGTH], f"sha256-{base64.b64encode(digest.digest()).decode()}")
