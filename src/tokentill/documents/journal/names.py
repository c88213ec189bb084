"""Names of accounts that beancount, hledger and ledger all accept, whatever ids customers have.

Two different accounts never have the same name, and the real id can be read back from it: letters and digits of ASCII
are themselves, a hyphen is two, and every other byte of the UTF-8 is a hyphen with two hexadecimal digits.
"""

from __future__ import annotations

from tokentill.invoicing.journal import JournalAccount


def account_name(account: JournalAccount) -> str:
    """The name of an account, like `Assets:Receivable:C-alice`."""
    parts = [account.path]
    if account.customer is not None:
        parts.append(f"C-{component(account.customer)}")
    if account.name is not None:
        parts.append(f"N-{component(account.name)}")
    return ":".join(parts)


def component(id_: str) -> str:
    """An opaque id as part of an account's name."""
    return "".join(_written(byte) for byte in id_.encode("utf-8", "surrogatepass"))


def _written(byte: int) -> str:
    char = chr(byte)
    if char == "-":
        return "--"
    return char if byte < 0x80 and char.isalnum() else f"-{byte:02X}"
