"""Requests for approval, decided from the command line against a running installation."""

from __future__ import annotations

import pytest

from tests.cli.conftest import eventually


@pytest.fixture(scope="module")
def staff(up):
    from arrears.cli.main import run

    for operator, role in {"op-super": "supervisor", "op-risk": "risk_control"}.items():
        assert run(["operators", "add", operator, "--name", "A Sample", "--role", role, "--data-dir", str(up.data_dir)]) == 0


def waiting(arrears, on, loan_id: str) -> str:
    """The id of the request that the loan's case makes on its first day."""
    assert arrears("case", "open", loan_id, *on).code == 0
    listed = eventually(lambda: arrears("approvals", "list", "--loan", loan_id, *on, "--json").json)
    assert (listed[0]["step"], listed[0]["role"]) == ("sue.1", "supervisor")
    return listed[0]["approval_id"]


def test_a_request_is_listed_and_approved_once_by_who_may(arrears, on, staff):
    request = waiting(arrears, on, "L-1001")
    assert request in arrears("approvals", "list", *on).text.replace("\n", "")
    refused = arrears("approvals", "approve", request, "--operator", "op-risk", *on, "--json")
    assert (refused.code, refused.json["problem"]) == (1, "operator op-risk is risk_control, but supervisor must decide")
    assert arrears("approvals", "approve", request, "--operator", "op-super", "--reason", "checked", *on).code == 0
    assert request not in [r["approval_id"] for r in arrears("approvals", "list", *on, "--json").json]
    late = arrears("approvals", "deny", request, "--operator", "op-super", *on)
    assert late.code == 1
    timeline = eventually(lambda: [e for e in arrears("case", "timeline", "L-1001", *on, "--json").json if e["kind"] == "approval_decided"])
    assert timeline[0]["text"] == f"approval {request} given by op-super"


def test_a_denied_request_leaves_its_step_untaken(arrears, on, staff):
    request = waiting(arrears, on, "L-1012")
    view = arrears("approvals", "deny", request, "--operator", "op-super", *on, "--json").json
    assert view["approval"] is None
    shown = eventually(lambda: [c for c in arrears("case", "show", "L-1012", *on, "--json").json["contacts"] if c["step"] == "sue.1"])
    assert shown[0]["outcome"] == "skipped"
