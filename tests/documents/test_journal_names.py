"""Names of accounts are legal for every program that reads them, and the ids can be read back from them."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from tokentill.documents.journal.names import account_name, component
from tokentill.invoicing.journal import JournalAccount

LEGAL = re.compile(r"\A[A-Z][A-Za-z0-9-]*(:[A-Z][A-Za-z0-9-]*)+\Z", re.ASCII)
ESCAPE = re.compile(rb"--|-([0-9A-F]{2})")


def read_back(text: str) -> str:
    """The id of a part of a name."""
    found = ESCAPE.sub(lambda match: bytes([int(match[1], 16)]) if match[1] else b"-", text.encode())
    return found.decode("utf-8", "surrogatepass")


@given(st.text())
def test_an_id_can_be_read_back_so_no_two_have_one_name(id_: str) -> None:
    assert read_back(component(id_)) == id_


@given(st.none() | st.text(), st.none() | st.text())
def test_a_name_is_legal_whatever_the_ids_are(customer: str | None, name: str | None) -> None:
    assert LEGAL.match(account_name(JournalAccount("Assets:Receivable", customer, name)))


def test_names_read_so() -> None:
    assert account_name(JournalAccount("Assets:Receivable", "acme-corp")) == "Assets:Receivable:C-acme--corp"
    assert account_name(JournalAccount("Liabilities:Tax", name="VAT 7 %")) == "Liabilities:Tax:N-VAT-207-20-25"
    assert (
        account_name(JournalAccount("Liabilities:Prepaid-Credit", "ü", "a"))
        == "Liabilities:Prepaid-Credit:C--C3-BC:N-a"
    )
