"""The page for the data protection officer names every column that holds personal data."""

from __future__ import annotations

import pytest

from arrears.ledger.vault import Field
from tests.ops.compose import ROOT


@pytest.mark.parametrize("field", list(Field))
def test_every_sealed_column_is_named(field: Field):
    assert f"`{field}`" in (ROOT / "docs" / "privacy.md").read_text(encoding="utf-8")
