"""A journal as text: for beancount, or for hledger and ledger, which read the same but for a line.

Ids and names stand as people read them (`documents.escaping`) in what each program takes as metadata.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from tokentill.closing.questions.journal import Transaction
from tokentill.documents.escaping import shown_id, shown_text
from tokentill.documents.journal.names import account_name
from tokentill.invoicing.journal import JournalAccount, Posting
from tokentill.money import minor_digits, minor_text

_WHAT = {
    "period": "invoice",
    "interim": "interim invoice",
    "credit-note": "credit note",
    "void": "void",
    "prepaid-credit": "prepaid credit",
    "breakage": "expired prepaid credit",
}

_TAGS = ("customer", "name", "period", "document", "grant", "reason")


def beancount_text(transactions: Sequence[Transaction]) -> str:
    """For beancount. Every account is opened on the day on which it is used first."""
    return _text(_beancount(transactions))


def ledger_text(transactions: Sequence[Transaction], *, is_hledger: bool) -> str:
    """For hledger or ledger. Accounts and currencies are declared before they are used."""
    return _text(_ledger(transactions, is_hledger=is_hledger))


def _text(blocks: Iterable[Iterable[str]]) -> str:
    listed = ["".join(f"{line}\n" for line in lines) for lines in blocks]
    return "\n".join(block for block in listed if block)


def _beancount(transactions: Sequence[Transaction]) -> Iterator[list[str]]:
    yield [f'option "operating_currency" "{currency}"' for currency in _currencies(transactions)]
    opened = []
    for account, day in _accounts(transactions).items():
        opened.append(f"{day} open {account_name(account)}")
        opened += [f"  {key}: {_quoted(value)}" for key, value in _ids_of(account).items()]
    yield opened
    for one in transactions:
        payee = _quoted(shown_id(one.customer))
        lines = [f"{one.at:%Y-%m-%d} * {payee} {_quoted(_narration(one))}"]
        lines += [f"  {key}: {_quoted(value)}" for key, value in _metadata(one).items()]
        yield lines + _postings(one.postings, indent="  ")


def _ledger(transactions: Sequence[Transaction], *, is_hledger: bool) -> Iterator[list[str]]:
    for currency in _currencies(transactions):
        digits = minor_digits(currency)
        # hledger asks for the mark also where no digit comes after it; ledger would print it.
        mark = "." if digits or is_hledger else ""
        yield [f"commodity {currency}", f"    format 1000{mark}{'0' * digits} {currency}"]
    yield [f"tag {key}" for key in _TAGS]
    declared = []
    for account in _accounts(transactions):
        declared.append(f"account {account_name(account)}")
        declared += [f"    ; {key}: {_on_one_line(value)}" for key, value in _ids_of(account).items()]
    yield declared
    for one in transactions:
        code = "" if one.number is None else f"({one.number}) "
        lines = [f"{one.at:%Y-%m-%d} * {code}{_WHAT[one.kind]} of {one.period}"]
        lines += [f"    ; {key}: {_on_one_line(value)}" for key, value in _metadata(one).items()]
        yield lines + _postings(one.postings, indent="    ")


def _currencies(transactions: Iterable[Transaction]) -> list[str]:
    return sorted({posting.currency for one in transactions for posting in one.postings})


def _accounts(transactions: Iterable[Transaction]) -> Mapping[JournalAccount, str]:
    """Every account with the day on which it is used first."""
    first: dict[JournalAccount, str] = {}
    for one in transactions:
        for posting in one.postings:
            first.setdefault(posting.account, f"{one.at:%Y-%m-%d}")
    return {account: first[account] for account in sorted(first, key=lambda account: account.order)}


def _ids_of(account: JournalAccount) -> Mapping[str, str]:
    ids = {"customer": account.customer, "name": account.name}
    return {key: shown_id(id_) for key, id_ in ids.items() if id_ is not None}


def _metadata(one: Transaction) -> Mapping[str, str]:
    stated = {"customer": shown_id(one.customer), "period": one.period, "document": one.number}
    stated |= {"grant": None if one.grant is None else shown_id(one.grant), "reason": shown_text(one.reason) or None}
    return {key: value for key, value in stated.items() if value is not None}


def _narration(one: Transaction) -> str:
    about = one.number if one.grant is None else shown_id(one.grant)
    return f"{_WHAT[one.kind]} {about} of {one.period}"


def _postings(postings: Sequence[Posting], *, indent: str) -> list[str]:
    amounts = [minor_text(posting.amount_minor, posting.currency) for posting in postings]
    names = [account_name(posting.account) for posting in postings]
    wide, broad = max(map(len, names), default=0), max(map(len, amounts), default=0)
    return [
        f"{indent}{name:<{wide}}  {amount:>{broad}} {posting.currency}"
        for name, amount, posting in zip(names, amounts, postings, strict=True)
    ]


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def _on_one_line(text: str) -> str:
    r"""For a comment, where a comma would end a value and brackets would hold a date: each is an escape (`\u002c`)."""
    return "".join(f"\\u{ord(char):04x}" if char in ",[]\n" else char for char in text)
