"""The check of templates: what comes with Arrears has no problem, and every kind of planted one is found, with its line."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from arrears.config import wording
from arrears.config.message_lint import Finding, check
from arrears.config.messages import MessageLibrary
from arrears.config.settings import PACKAGED
from arrears.config.wording import WordingProblem

BOOK = wording.load()
FOOT = '\n{% include "_foot.txt" %}'
SMS = "---\nclass: collect\nchannels: [sms]\nblocks: [identity, complaints, opt_out]\n---\n{{ lender.name }}: "


def found(tmp_path: Path, text: str, html: str | None = None, **parts: str) -> list[Finding]:
    """What the check finds in a message ``m``, which stands beside the parts that come with Arrears."""
    directory = tmp_path / "en"
    directory.mkdir()
    for part in (PACKAGED / "messages" / "en").glob("_*"):
        shutil.copy(part, directory)
    (directory / "m.txt").write_text(text, encoding="utf-8")
    if html is not None:
        (directory / "m.html").write_text(html, encoding="utf-8")
    for name, part in parts.items():
        (directory / f"_{name.replace('_', '-')}.txt").write_text(part, encoding="utf-8")
    return list(check(MessageLibrary(tmp_path, "en"), BOOK))


def test_what_comes_with_arrears_has_no_problem() -> None:
    assert check(MessageLibrary(), BOOK) == ()


def test_a_plain_message_has_none(tmp_path: Path) -> None:
    assert found(tmp_path, f"{SMS}please pay {{{{ owed | money }}}}.{FOOT}") == []


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ("the police will come", "says 'police'"),
        ("the p​olice will come", "says 'police'"),
        ("警察会来", "says '警察'"),
        ("后果自负", "says '后果自负'"),
        ("you are on a blacklist", "says 'blacklist*'"),
        ("a permanent record", "says 'permanent record'"),
        ("take out another loan", "says 'take out another loan'"),
        ("you missed a delivery", "says 'missed a delivery'"),
        ("we will sue you", "says 'sue'"),
        ("a collection fee is added", "says 'collection fee*'"),
        ("please pay ¥500.00", "names 500.00"),
        ("please pay five hundred dollars", "names an amount that cannot be read"),
        ("please pay 500", "names 500"),
        ("pay to 6222020200112233445", "contains a run of 19 digits"),
        ("pay to 4111 1111 1111 1111", "contains a card number of 16 digits"),
        ("call 0900 123 4567", "names a number that costs extra"),
    ],
)
def test_what_no_law_lets_pass_is_found_on_its_line(tmp_path: Path, said: str, problem: str) -> None:
    findings = found(tmp_path, f"{SMS}hello.\nPlease note:\n{said}.{FOOT}")
    assert problem in " ".join(finding.problem for finding in findings)
    wanted = next(f for f in findings if problem in f.problem)
    assert (wanted.line, wanted.file) in ((8, str(tmp_path / "en" / "m.txt")), (1, str(tmp_path / "en" / "m.txt")))
    assert wanted.remedy


def test_a_word_in_a_part_is_found_in_the_part(tmp_path: Path) -> None:
    findings = found(tmp_path, f'{SMS}hello\n{{% include "_threat.txt" %}}{FOOT}', threat="first line\nor else\n")
    assert [(f.file, f.line) for f in findings] == [(str(tmp_path / "en" / "_threat.txt"), 2)]


def test_a_word_in_the_html_part_or_the_subject_is_found(tmp_path: Path) -> None:
    letter = SMS.replace("channels: [sms]", "channels: [email]\nsubject: The police") + "hello" + FOOT
    problems = " ".join(f.problem for f in found(tmp_path, letter, html="<p>you will be <b>arrested</b></p>"))
    assert "'police'" in problems
    assert "'arrest*'" in problems
    assert "does not" in problems


@pytest.mark.parametrize("part", ["_complaints", "_opt-out"])
def test_a_part_that_is_left_out_is_missed(tmp_path: Path, part: str) -> None:
    rest = "\n".join(f'{{% include "{p}.txt" %}}' for p in ("_complaints", "_mini-miranda", "_opt-out") if p != part)
    findings = found(tmp_path, f"{SMS.replace('blocks: [identity, complaints, opt_out]', 'blocks: [identity]')}hello\n{rest}")
    assert [f.problem.split(" (")[0] for f in findings] == [f"lacks the block {part[1:].replace('-', '_')}"]


def test_a_text_for_mail_without_a_subject_is_found(tmp_path: Path) -> None:
    text = SMS.replace("[sms]", "[sms, email]").replace("opt_out]", "opt_out, legal_basis, rights]")
    text += f'hello\n{{% include "_legal-basis.txt" %}}\n{{% include "_rights.txt" %}}{FOOT}'
    assert [f.problem for f in found(tmp_path, text)] == ["goes by e-mail and has no subject"]


def test_a_block_that_is_claimed_and_not_there_is_told(tmp_path: Path) -> None:
    findings = found(tmp_path, f"{SMS}hello")
    assert {f.problem for f in findings if "says that" in f.problem} == {
        "says that it contains the block complaints, and does not",
        "says that it contains the block opt_out, and does not",
    }


def test_a_collectors_disclosure_is_missed_though_most_lenders_need_none(tmp_path: Path) -> None:
    text = f'{SMS}hello\n{{% include "_complaints.txt" %}}\n{{% include "_opt-out.txt" %}}'
    assert ["from_a_collector" in f.problem for f in found(tmp_path, text)] == [True]


def test_a_block_whose_words_say_nothing_of_its_kind_is_found(tmp_path: Path) -> None:
    findings = found(tmp_path, f"{SMS}hello{FOOT}", opt_out="Have a nice day.", complaints="Have a nice day.")
    assert {f.problem for f in findings} >= {"the block opt_out says nothing of its kind", "the block complaints says nothing of its kind"}


def test_a_call_that_names_the_debt_before_the_person_is_verified_is_found(tmp_path: Path) -> None:
    call = "---\nclass: collect\nchannels: [call]\nblocks: [right_party_check, caller, identity, complaints]\n---\n"
    rest = '{% include "_caller.txt" %}\n{% include "_complaints.txt" %}\n{% include "_mini-miranda.txt" %}'
    late = f'{call}You owe {{{{ owed | money }}}}.\n{{% include "_right-party-check.txt" %}}\n{rest}'
    assert ["right_party_check" in f.problem for f in found(tmp_path, late)] == [True]


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ("I am a friend of the family", None),
        ("about 500", "a number that is no telephone number"),
        ("see https://x.example", "an address on the web"),
        ("on November 1, 2026", "a number that is no telephone number"),
    ],
)
def test_a_text_for_relatives_is_read_as_a_stranger_would(tmp_path: Path, said: str, problem: str | None) -> None:
    hello = "---\nclass: locate_only\n---\nHello {{ recipient_name }}, please ask {{ borrower_name }} to call {{ service_line }}."
    problems = " ".join(f.problem for f in found(tmp_path, f'{hello} {said}.\n{{% include "_opt-out-others.txt" %}}'))
    assert (problem in problems) if problem else not problems


def test_a_voicemail_with_one_sentence_more_is_none(tmp_path: Path) -> None:
    hello = "---\nclass: limited_content\nchannels: [call]\n---\nHello, this is {{ agent_name }} calling from {{ business_name }}. "
    for name, last, problems in (("a", "Thank you.", []), ("b", "It concerns you.", ["sentence 3 is none of the permitted ones"])):
        (tmp_path / name).mkdir()
        findings = found(tmp_path / name, f"{hello}Please call me back at {{{{ service_line }}}}. {last}")
        assert [f.problem.split(": ")[1].split(" (")[0] for f in findings] == problems


def test_a_validation_notice_that_hurries_is_found(tmp_path: Path) -> None:
    notice = (PACKAGED / "messages" / "en" / "validation-notice.txt").read_text(encoding="utf-8")
    problems = " ".join(f.problem for f in found(tmp_path, notice + "Act now and pay by {{ pay_by | day }}.\n"))
    assert "hurries: 'act now'" in problems
    assert "names a day within 30 days" in problems


def test_only_what_a_human_decided_on_may_threaten_a_lawsuit(tmp_path: Path) -> None:
    text = SMS.replace("collect", "will_remedy") + "we intend to file suit." + FOOT
    assert found(tmp_path, text) == []


class TestWordLists:
    def write(self, tmp_path: Path, text: str) -> str:
        (tmp_path / "x.yaml").write_text(text, encoding="utf-8")
        with pytest.raises(WordingProblem) as problem:
            wording.load(tmp_path)
        return str(problem.value).removeprefix(str(tmp_path))

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("content: y\ntitle: T\n", "/x.yaml:1: content: the file is named 'x'"),
            ("content: x\ntitle: T\ncolour: red\n", "/x.yaml:3: colour"),
            ("content: x\ntitle: T\nlists:\n  - name: a\n    clause: c\n    entries: []\n", "/x.yaml:6: lists.0.entries"),
            ("content: x\ntitle: T\nlists:\n  - {name: a, clause: c, entries: [b], use: never}\n", "/x.yaml:4: lists.0.use"),
            ("content: x\n\ttitle: T\n", "a tab indents this line"),
        ],
    )
    def test_what_is_wrong_with_a_file_is_said_with_its_line(self, tmp_path: Path, text: str, said: str) -> None:
        assert said in self.write(tmp_path, text)

    def test_a_directory_without_files_is_no_book(self, tmp_path: Path) -> None:
        with pytest.raises(WordingProblem, match="no word lists"):
            wording.load(tmp_path)

    def test_a_list_that_does_not_exist_is_named_with_those_that_do(self) -> None:
        with pytest.raises(WordingProblem, match="'no_such'; there are: account_words, authorities"):
            BOOK.named(["no_such"])

    def test_the_hash_is_over_all_files(self, tmp_path: Path) -> None:
        shutil.copytree(wording.CONTENT, tmp_path / "a")
        shutil.copytree(wording.CONTENT, tmp_path / "b")
        (tmp_path / "b" / "in.yaml").write_text((tmp_path / "b" / "in.yaml").read_text() + "\n# changed\n")
        assert wording.load(tmp_path / "a").hash == BOOK.hash != wording.load(tmp_path / "b").hash
