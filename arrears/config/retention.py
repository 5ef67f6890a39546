"""The retention rule: the file that says how long what is kept, and why."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import yaml
from pydantic import ValidationError

from arrears.config.settings import PACKAGED
from arrears.domain.retention import RetentionRule

RETENTION_FILE = PACKAGED / "retention.yaml"


class RetentionProblem(ValueError):
    """The retention rule cannot be read; nothing is erased until it can."""


@cache
def retention_rule(path: Path = RETENTION_FILE) -> RetentionRule:
    """The rule in a file. Raises ``RetentionProblem`` naming file and field."""
    try:
        return RetentionRule.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (OSError, yaml.YAMLError, ValidationError) as wrong:
        if isinstance(wrong, ValidationError):
            fields = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in wrong.errors(include_input=False))
            raise RetentionProblem(f"{path}: {fields}") from wrong
        raise RetentionProblem(f"{path} cannot be read: {wrong}") from wrong
