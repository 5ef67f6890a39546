"""The table of roles and actions, as it lies in ``access.yaml``."""

from __future__ import annotations

from functools import cache

import yaml

from arrears.config.settings import PACKAGED
from arrears.domain.access import Access


@cache
def packaged_access() -> Access:
    """The table that comes with Arrears."""
    return Access.model_validate(yaml.safe_load((PACKAGED / "access.yaml").read_text(encoding="utf-8")))
