"""Ids are shown without loss, look-alikes apart, and can be pasted into a shell."""

from __future__ import annotations

import re
import subprocess
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokentill.documents.escaping import page_name, review_command, short_id, shown_id, shown_text
from tokentill.invoicing.periods import Month
from tokentill.usage.shell_words import shell_word

CASES = [
    ("org_1", "org_1"),
    ("a b", "a b"),
    (" user_1", "\u00b7user_1"),
    ("user_1 ", "user_1\u00b7"),
    ("a  b", "a\u00b7\u00b7b"),
    ("", "\u2205"),
    ("\u00b7x", "\\u00b7x"),
    ("\u0430cme", "\\u0430cme"),
    ("evil\u202eid", "evil\\u202eid"),
    ("\\u202e", "\\\\u202e"),
    ("zero\u200bwidth", "zero\\u200bwidth"),
    ("tab\tid", "tab\\u0009id"),
    ("e\u0301", "e\\u0301"),
    ("Z\u00fcrich", "Z\u00fcrich"),
    ("\u5ba2\u6237-42", "\u5ba2\u6237-42"),
    ("\U0001f98a", "\\U0001f98a"),
    ("\uff41cme", "\\uff41cme"),
    ("a\u00a0b", "a\\u00a0b"),
    ("<script>", "<script>"),
]


@pytest.mark.parametrize(("text", "shown"), CASES)
def test_an_id_is_shown_so(text: str, shown: str) -> None:
    assert shown_id(text) == shown


def read_back(shown: str) -> str:
    if shown == "\u2205":
        return ""
    parts = re.findall(r"\\\\|\\u[0-9a-f]{4}|\\U[0-9a-f]{8}|.", shown, re.DOTALL)
    return "".join(
        "\\" if part == "\\\\" else chr(int(part[2:], 16)) if part[0] == "\\" else " " if part == "\u00b7" else part
        for part in parts
    )


@given(st.text(alphabet=st.characters() | st.sampled_from(" \\u00b7·∅")))
def test_what_is_shown_can_be_read_back_without_loss(text: str) -> None:
    assert read_back(shown_id(text)) == text


@given(st.text())
def test_nothing_invisible_is_left_in_what_is_shown(text: str) -> None:
    for shown in (shown_id(text), short_id(text), shown_text(text)):
        assert not any(unicodedata.category(char) in {"Cc", "Cf", "Cs", "Zl", "Zp"} for char in shown)


def test_two_long_ids_with_equal_ends_look_different_in_a_table() -> None:
    first, second = "x" * 200 + "1" + "y" * 200, "x" * 200 + "2" + "y" * 200
    assert short_id(first) != short_id(second)
    assert len(short_id(first)) < 60


@given(st.text())
def test_a_page_name_holds_nothing_of_the_id(text: str) -> None:
    assert re.fullmatch(r"customer-[0-9a-f]{32}\.html", page_name(text))


@pytest.mark.parametrize(
    "text",
    [
        "org_1",
        "",
        " a  b ",
        "it's",
        "'); DROP TABLE invoices;--",
        "$(reboot)`x`$HOME",
        "back\\slash",
        "mix'\\\u202e\u0430",
        "\U0001f98a!",
        "\u5ba2\u6237",
        "tab\tnew\nline",
        "-rf",
    ],
)
def test_a_shell_reads_the_very_id_from_a_shown_command(text: str) -> None:
    word = shell_word(text)
    read = subprocess.run(["bash", "-c", f"printf %s {word}"], capture_output=True, check=True)
    assert read.stdout == text.encode()
    assert not any(unicodedata.category(char) in {"Cc", "Cf"} for char in word)


def test_an_id_that_begins_with_a_dash_is_no_option() -> None:
    assert review_command("approve", Month(2026, 10), "-rf") == "tokentill review approve 2026-10 -- -rf"
