"""`docs/access.md` shows the table of roles as it is. `REWRITE_PAGES=1` writes it again."""

from __future__ import annotations

import os
import re

from arrears.config.access import packaged_access
from arrears.domain.strategy import Role
from tests.ops.compose import ROOT

PAGE = ROOT / "docs" / "access.md"
_TABLE = re.compile(r"(?<=<!-- roles -->\n)(.*?)(?=<!-- end of roles -->)", re.DOTALL)
_WORDS = {
    Role.COLLECTOR: "collector",
    Role.SUPERVISOR: "supervisor",
    Role.RISK_CONTROL: "risk control",
    Role.AUDITOR: "auditor",
    Role.ADMIN: "admin",
}


def table() -> str:
    head = ["action", "what", *_WORDS.values(), "reason"]
    rows = [
        [f"`{action}`", row.says, *("●" if role in row.roles else "" for role in _WORDS), "●" if row.reason else ""]
        for action, row in packaged_access().actions.items()
    ]
    lines = [head, ["---"] * 2 + [":-:"] * (len(head) - 2), *rows]
    return "\n" + "".join(f"| {' | '.join(line)} |\n" for line in lines) + "\n"


def test_the_page_shows_the_table_of_roles_as_it_is() -> None:
    text = PAGE.read_text(encoding="utf-8")
    if os.environ.get("REWRITE_PAGES"):
        PAGE.write_text(_TABLE.sub(lambda _: table(), text), encoding="utf-8")
    found = _TABLE.search(PAGE.read_text(encoding="utf-8"))
    assert found is not None
    assert found[1] == table(), "write it again: REWRITE_PAGES=1 python -m pytest tests/ops/test_access_page.py"


def test_every_role_has_a_column() -> None:
    assert set(_WORDS) == set(Role)
