"""`arrears prove` as a person runs it: what it prints, what it ends with, and what it never repeats."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from arrears.cli.main import run
from arrears.ledger.vault import Field
from arrears.prove.report import Report
from tests.prove.raw import RawLedger, contact
from tests.prove.scenes import TEXT
from tests.sealing import LEDGER_KEY, VAULT, key_of, keys_of

LAWFUL = "debt,person,event,instant\nL-1,P-1,sms,2026-11-02T10:00:00+08:00\n"
AT_NIGHT = "debt,person,event,instant\nL-1,P-1,sms,2026-11-02T23:00:00+08:00\nL-1,P-1,sms,2026-12-02T23:00:00+08:00\n"


@pytest.fixture
def ledger(settled: RawLedger) -> RawLedger:
    contact(settled, "L.1/text", "2026-11-20 10:00")
    return settled


def log(tmp_path: Path, text: str, name: str = "log.csv") -> str:
    (tmp_path / name).write_text(text, encoding="utf-8")
    return str(tmp_path / name)


def reported(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, Report]:
    code = run(["prove", *arguments, "--json"])
    return code, Report.model_validate_json(capsys.readouterr().out)


def test_a_clean_log_ends_with_0(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["prove", "--log", log(tmp_path, LAWFUL), "--regime", "cn"]) == 0
    shown = capsys.readouterr().out
    assert "violations: none" in shown
    assert "nothing found" in shown


def test_a_violation_ends_with_1_and_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["prove", "--log", log(tmp_path, AT_NIGHT), "--regime", "cn"]) == 1
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("  CN-01")]
    assert len(lines) == 2
    assert "line 2" in lines[0]
    assert "23:00:00 local" in lines[0]


def test_json_is_the_documented_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, found = reported(capsys, "--log", log(tmp_path, AT_NIGHT), "--regime", "cn,in")
    assert code == 1
    assert found.format == "arrears-proof/1"
    assert {v.rule for v in found.violations} == {"CN-01", "IN-01"}
    assert found.log is not None
    assert found.log.columns["log.csv"]["at"] == "instant"


def test_since_and_until_bound_what_is_judged_not_what_is_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = log(tmp_path, AT_NIGHT)
    _, later = reported(capsys, "--log", file, "--regime", "cn", "--since", "2026-11-15")
    assert ([v.contact for v in later.violations], later.figures.counted_only) == (["line 3"], 1)
    _, earlier = reported(capsys, "--log", file, "--regime", "cn", "--until", "2026-11-15T00:00:00Z", "--processes", "2")
    assert [v.contact for v in earlier.violations] == ["line 2"]


def test_columns_and_words_can_be_explained(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = log(tmp_path, "no;who;what;when\n1;2;TCH;2026-11-02 23:00\n")
    columns = [f"--column={pair}" for pair in ("debt=no", "person=who", "event=what", "at=when")]
    code, found = reported(capsys, "--log", file, *columns, "--event", "TCH=call", "--zone", "Asia/Shanghai", "--regime", "cn")
    assert (code, [v.rule for v in found.violations]) == (1, ["CN-01"])


def test_several_files_are_one_log(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    calls = log(tmp_path, "account_id,customer_id,call_date,call_status\nL-1,P-1,2026-11-02 10:00,answered\n", "calls.csv")
    payments = log(tmp_path, "account_id,customer_id,payment_date,amount\nL-1,P-1,2026-11-01,50\n", "payments.csv")
    code, found = reported(capsys, "--log", calls, "--log", payments, "--zone", "Asia/Shanghai", "--regime", "cn")
    assert code == 0
    assert {word.taken_for for word in found.log.words} == {"contact", "payment"} if found.log else False


def test_a_log_of_which_nothing_is_understood_is_no_proof(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["prove", "--log", log(tmp_path, "debt,event,instant\n1,Frobnicated,2026-11-02T10:00:00Z\n")]) == 3
    said = capsys.readouterr().err
    assert "'Frobnicated'" in said
    assert "--event" in said


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--regime", "xx"], "there is no law 'xx'"),
        (["--column", "nonsense"], "--column debt=loan_no"),
        (["--column", "colour=x"], "there is no column 'colour'"),
        (["--event", "PTP=maybe"], "there is no kind of event 'maybe'"),
        (["--zone", "Mars/Base"], "no IANA time zone"),
        (["--since", "someday"], "no instant"),
        (["--since", "2026-11-02", "--until", "2026-11-01"], "must lie before"),
        (["--language", "tlh"], "there is no page in tlh"),
        (["--ledger", "sqlite:///x"], "ask for them one after the other"),
    ],
)
def test_wrong_usage_ends_with_2_and_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], says: str
) -> None:
    assert run(["prove", "--log", log(tmp_path, LAWFUL), *arguments]) == 2
    assert says in " ".join(capsys.readouterr().err.split())


def test_how_to_read_a_log_needs_a_log(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["prove", "--zone", "Asia/Shanghai"]) == 2
    assert "--log" in capsys.readouterr().err


def test_a_ledger_that_cannot_be_read_ends_with_3(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["prove", "--ledger", f"sqlite+aiosqlite:///{tmp_path / 'none.db'}"]) == 3
    assert "cannot be proved" in " ".join(capsys.readouterr().err.split())


def test_a_ledger_is_proved(ledger: RawLedger, capsys: pytest.CaptureFixture[str]) -> None:
    _, found = reported(capsys, "--ledger", ledger.url)
    assert (found.violations, found.figures.contacts) == ((), 1)
    ledger.run("UPDATE attempts SET sent_at = '2026-11-20 15:00:00.000000' WHERE id = 'L.1/text'")
    code, found = reported(capsys, "--ledger", ledger.url)
    assert (code, [v.rule for v in found.violations]) == (1, ["CN-01", "PR-05"])
    assert [(r.name, r.version) for r in found.regimes] == [("cn", "2")]


def test_other_records_are_compared(ledger: RawLedger, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sent = log(tmp_path, "key,channel,count\nL.1/text,sms,2\n", "sent.csv")
    code, found = reported(capsys, "--ledger", ledger.url, "--export", sent)
    assert code == 1
    assert [f.what for check in found.cross_checks for f in check.findings] == ["left more than once"]
    assert run(["prove", "--ledger", ledger.url, "--histories", str(tmp_path / "none")]) == 2
    assert run(["prove", "--ledger", ledger.url, "--histories", "127.0.0.1:9"]) == 3


def test_texts_are_judged_while_their_seal_can_be_opened(
    ledger: RawLedger, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    wrapped = VAULT.wrap("B", key_of("B"))
    ledger.add("subject_keys", person_id="B", wrapped_key=wrapped.wrapped_key, wrapped_by=wrapped.wrapped_by)
    seal = keys_of("B").seal
    ledger.run("UPDATE persons SET birth_date = ? WHERE id = 'B'", bytes(seal("B", Field.BIRTH_DATE, "1990-01-01")))
    monkeypatch.setenv("ARREARS_LEDGER_KEY", LEDGER_KEY)

    def judged(sealed: bytes) -> tuple[set[str], set[str]]:
        ledger.run("UPDATE attempts SET text = ? WHERE id = 'L.1/text'", sealed)
        _, found = reported(capsys, "--ledger", ledger.url)
        return {v.rule for v in found.violations}, {n.why for n in found.figures.not_judged}

    right = bytes(seal("B", Field.TEXT, TEXT))
    assert judged(right) == (set(), set())
    assert judged(bytes(seal("B", Field.TEXT, "Pay at once, or else."))) == ({"AR-06"}, set())
    assert judged(right[:-1] + bytes([right[-1] ^ 1])) == ({"AR-06"}, set()), "a broken seal is a changed text"
    ledger.run("UPDATE subject_keys SET wrapped_key = NULL, wrapped_by = NULL, destroyed_at = created_at, reason = 'term ended'")
    violations, unjudged = judged(right)
    assert violations == set(), "an erased person stays in the proof"
    assert "text not readable" in unjudged


@pytest.mark.parametrize(("language", "says"), [("en", "Proof of contacts"), ("zh-CN", "催收触达合规核验报告")])
def test_the_page_is_written(tmp_path: Path, language: str, says: str) -> None:
    page = tmp_path / "proof.html"
    assert run(["prove", "--log", log(tmp_path, AT_NIGHT), "--regime", "cn", "--page", str(page), "--language", language]) == 1
    assert says in page.read_text(encoding="utf-8")


def test_nothing_personal_of_a_log_is_repeated_anywhere(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    personal = ("Zhang", "+8613812345678", "13812345678", "zhang@mail.example", "6222021234567890123")
    file = log(
        tmp_path,
        "debt,person,event,instant,phone,amount\n"
        "6222021234567890123,Zhang San,sms,2026-11-02T23:00:00+08:00,+8613812345678,\n"
        "L-2,zhang@mail.example,sms,2026-11-02T23:00:00+08:00,13812345678,\n"
        "L-3,13812345678,call Zhang San 13812345678,2026-11-02T23:00:00+08:00,,\n"
        "L-4,P-4,Zhang San 13812345678,2026-11-02T23:00:00+08:00,,\n"
        "L-5,P-5,payment,2026-11-02T23:00:00+08:00,,zhang@mail.example\n"
        "L-6,P-6,sms,zhang@mail.example,,\n",
    )
    page = tmp_path / "proof.html"
    assert run(["prove", "--log", file, "--regime", "cn", "--page", str(page)]) == 1
    assert run(["prove", "--log", file, "--regime", "cn", "--json"]) == 1
    shown = capsys.readouterr()
    everything = shown.out + shown.err + page.read_text(encoding="utf-8")
    assert [secret for secret in personal if secret in everything] == []
    assert json.loads(shown.out[shown.out.index("\n{") :])["log"]["refused"] == 2
