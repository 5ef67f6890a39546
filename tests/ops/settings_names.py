"""The environment variables of the settings, read from the settings themselves."""

from __future__ import annotations

import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from arrears.config.settings import Settings

PREFIX = "ARREARS_"


def settings_names() -> dict[str, FieldInfo]:
    """Every variable that sets something, with the field that it sets."""
    return dict(_names(Settings, PREFIX))


def _names(model: type[BaseModel], prefix: str) -> Iterator[tuple[str, FieldInfo]]:
    for name, field in model.model_fields.items():
        group = _group(field.annotation)
        if group is None:
            yield f"{prefix}{name.upper()}", field
        else:
            yield from _names(group, f"{prefix}{name.upper()}_")


def _group(annotation: Any) -> type[BaseModel] | None:
    """The model of a group of settings; ``None`` for a single value."""
    options = get_args(annotation) if get_origin(annotation) in (Union, types.UnionType) else (annotation,)
    return next((o for o in options if isinstance(o, type) and issubclass(o, BaseModel)), None)


def default_text(field: FieldInfo) -> str | None:
    """A default as the documentation writes it; ``None`` for one that is computed, missing, or a place in the package."""
    match field.default:
        case str() | int() | float() as plain:
            return str(plain)
        case Path() as path if not path.is_absolute():
            return str(path)
        case _:
            return None
