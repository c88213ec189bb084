"""`tokentill customers ...`: who customers are in Stripe, and which users are theirs."""

from __future__ import annotations

import csv
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tokentill.canonical import Content, fields_of
from tokentill.cli.calling import ByOption, Commands, CustomerArgument, Invocation, ReasonOption
from tokentill.documents.escaping import shown_id
from tokentill.documents.figures import plural
from tokentill.documents.text.customers import (
    show_credits,
    show_customer,
    show_erased,
    show_imported,
    show_pseudonyms,
)
from tokentill.documents.text.lists import show_customer_list
from tokentill.errors import InvalidCall, Refused
from tokentill.faces.arguments import instant_in
from tokentill.sources.finding import STDIN

if TYPE_CHECKING:
    from tokentill.store.customers import Customer, KeyWanted
    from tokentill.stripe_push.gateway import StripeGateway
    from tokentill.till import Till
    from tokentill.usage.attribution import Binding
    from tokentill.usage.keys import KeyBinding

IMPORT_ROWS_MAX = 1_000_000
CUSTOMER_COLUMNS = {"customer", "name", "stripe_customer"}
BINDING_COLUMNS = {"user", "customer", "valid_from", "source"}
KEY_COLUMNS = {"api_key", "team", "customer", "valid_from", "source"}


app = Commands()
customers = app.group("customers", "List and describe customers, link them to Stripe, bind users.")


@customers.command("list")
def _list(call: Invocation) -> None:
    """List customers and bindings.

    Everybody who has a contract, usage or a description, with plan and currency.
    """
    with call.till() as till:
        call.answer(till.customer_list(), show_customer_list)


@customers.command("set")
def _set(
    call: Invocation,
    customer: CustomerArgument,
    name: Annotated[str | None, typer.Option(metavar="TEXT", help="A name for people.")] = None,
    stripe: Annotated[str | None, typer.Option("--stripe", metavar="cus_...", help="Its Stripe customer.")] = None,
) -> None:
    """Describe a customer, or link it to its Stripe customer.

    With a Stripe key, a Stripe customer that does not exist is refused.
    """
    if name is None and stripe is None:
        raise InvalidCall("nothing to set; add --name or --stripe")
    gateway = None if stripe is None else call.gateway_if_any()
    with call.till() as till:
        described = till.set_customer(customer, name=name, stripe_customer=stripe, gateway=gateway)
    looked_up = None if stripe is None else gateway is not None
    content = {**_content(described), "looked_up": looked_up}
    call.finish(content, lambda screen: show_customer(screen, described, looked_up=looked_up))


def _content(customer: Customer) -> Content:
    return {"customer": customer.id, **fields_of(customer, "name", "stripe_customer")}


@customers.command("bind")
def _bind(
    call: Invocation,
    ids: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[USER] CUSTOMER",
            help="The user id, exactly as in the records, and whose usage it is; only the latter with --api-key or"
            " --team.",
            show_default=False,
        ),
    ] = None,
    api_key: Annotated[
        str | None, typer.Option("--api-key", metavar="KEY", help="Bind a key, as records name it, and no user.")
    ] = None,
    team: Annotated[
        str | None, typer.Option(metavar="TEAM", help="Bind a team; with --api-key, bind the key to the team.")
    ] = None,
    valid_from: Annotated[
        str | None, typer.Option("--from", metavar="INSTANT", help="Since when; the beginning of time unless given.")
    ] = None,
    source: Annotated[str | None, typer.Option(metavar="NAME", help="Only in records of this source.")] = None,
) -> None:
    """Bind a user, an API key or a team to a customer.

    Bindings of users come before all attribution rules. Those of keys and teams decide about records without a user,
    and where users are not trusted. All are only ever added; the newest one that holds counts.
    """
    named, wanted = ids or [], 2 - sum(option is not None for option in (api_key, team))
    if len(named) != wanted:
        raise InvalidCall(_how_to_bind(len(named), api_key, team))
    since = _instant(valid_from)
    unmet = 0
    with call.till() as till:
        added: list[Binding] | list[KeyBinding]
        if wanted == 2:
            unmet = int(not till.privacy.can_be_met(named[0], source))
            added, bound = till.bind([(named[0], named[1], since, source)]), shown_id(named[0])
        else:
            added = till.bind_keys([(api_key, team, named[0] if named else None, since, source)])
            bound = f"team {shown_id(team or '')}" if api_key is None else f"API key {shown_id(api_key)}"
    owner = shown_id(named[-1]) if named else f"team {shown_id(team or '')}"
    content = {"added": [binding.content() for binding in added], "unmet": unmet}
    done = f"{bound} belongs to {owner}" + ("" if added else " already")
    call.finish(content, lambda screen: screen.say(done + _unmet(unmet)))


def _unmet(count: int) -> str:
    """What to say of so many users that no record can have."""
    if not count:
        return ""
    which = "no record can have this id" if count == 1 else f"no record can have {count} of these ids"
    return f"\n{which}, since users are hashed: bind what `tokentill customers pseudonym USER` prints"


def _how_to_bind(count: int, api_key: str | None, team: str | None) -> str:
    if api_key is not None and team is not None:
        return "a key is bound to a team, and the team to a customer: leave CUSTOMER out, and bind the team next"
    if api_key is None and team is None:
        return f"bind USER CUSTOMER; {count} {'id was' if count == 1 else 'ids were'} given"
    return f"bind --{'api-key KEY' if team is None else 'team TEAM'} CUSTOMER; {count} ids were given beside it"


@customers.command("import")
def _import(
    call: Invocation,
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="CSV with the columns customer, name, stripe_customer; or user, customer, valid_from, source; or"
            " api_key, team, customer, valid_from, source.",
        ),
    ],
) -> None:
    """Describe customers, or bind users or keys, from a CSV file.

    Which it is is told by its columns. With a Stripe key, a Stripe customer that does not exist is refused.
    """
    rows, lines, columns = _rows(file)
    with call.till() as till:
        unmet = 0
        if columns & {"user", "api_key", "team"}:
            unmet = sum(
                not till.privacy.can_be_met(row["user"], row.get("source") or None) for row in rows if "user" in row
            )
            done, looked_up = _bind_rows(till, file, rows, lines, columns), None
            already = len(rows) - done
            there = f"{already:,} {'was' if already == 1 else 'were'} there already"
            what = f"{plural(done, 'binding', 'bindings')} added, {there}{_unmet(unmet)}"
        else:
            has_links = any(row.get("stripe_customer") for row in rows)
            gateway = call.gateway_if_any() if has_links else None
            for line, row in zip(lines, rows, strict=True):
                _set_row(till, f"{file}:{line}", row, gateway)
            done, what = len(rows), f"{plural(len(rows), 'customer', 'customers')} set"
            looked_up = gateway is not None if has_links else None
    content = {"rows": len(rows), "changed": done, "looked_up": looked_up, "unmet": unmet}
    call.finish(content, lambda screen: show_imported(screen, what, looked_up=looked_up))


@customers.command("credits")
def _credits(call: Invocation, customer: CustomerArgument) -> None:
    """Show prepaid credits and carried amounts of a customer.

    What was granted, what each invoice drew from it, what expired, what is left, and what goes on to the next invoice.
    """
    with call.till() as till:
        call.answer(till.credits(customer), show_credits)


@customers.command("pseudonym")
def _pseudonym(
    call: Invocation,
    user: Annotated[
        str,
        typer.Argument(metavar="USER", help="What the application knows the user by; - is standard input."),
    ],
) -> None:
    """Print the id of a user where ids are hashed.

    One for each key, the oldest first; bind them all. Nothing is stored, and no database is needed.
    """
    with call.till() as till:
        call.answer(till.pseudonyms(_user(user)), show_pseudonyms)


@customers.command("erase-user")
def _erase_user(
    call: Invocation,
    user: Annotated[
        str, typer.Argument(metavar="USER", help="The user id, exactly as it is in the records; - is standard input.")
    ],
    reason: ReasonOption,
    source: Annotated[str | None, typer.Option(metavar="NAME", help="Only in records of this source.")] = None,
    by: ByOption = None,
) -> None:
    """Take a user id out of all that is kept of usage.

    Issued documents stay as they are, and can still be verified. The token says nothing about the user, and nothing
    leads back from it.
    """
    with call.till() as till:
        call.answer(till.erase_user(_user(user), reason=reason, source=source, by=by), show_erased)


def _user(user: str) -> str:
    """A user id that stands in a command, or on standard input, where no list of processes shows it."""
    return sys.stdin.readline().removesuffix("\n") if user == STDIN else user


def _bind_rows(till: Till, file: Path, rows: list[dict[str, str]], lines: list[int], columns: set[str]) -> int:
    """Bind what the rows say, all or none; how many bindings are new."""
    if "user" in columns:
        since = [(_instant(row.get("valid_from")), row.get("source") or None) for row in rows]
        return len(till.bind([(row["user"], row["customer"], *when) for row, when in zip(rows, since, strict=True)]))
    wanted: list[KeyWanted] = []
    for line, row in zip(lines, rows, strict=True):
        api_key, team, customer = (row.get(name) or None for name in ("api_key", "team", "customer"))
        if sum(value is not None for value in (api_key, team, customer)) != 2:
            raise InvalidCall(
                f"{file}:{line}: a row states two of api_key, team and customer: what is bound, and to what"
            )
        wanted.append((api_key, team, customer, _instant(row.get("valid_from")), row.get("source") or None))
    return len(till.bind_keys(wanted))


def _set_row(till: Till, where: str, row: dict[str, str], gateway: StripeGateway | None) -> None:
    name, stripe_customer = row.get("name") or None, row.get("stripe_customer") or None
    try:
        till.set_customer(row["customer"], name=name, stripe_customer=stripe_customer, gateway=gateway)
    except Refused as refusal:
        raise Refused(f"{where}: {refusal}; the rows before it are set, so put it right and import again") from None


def _rows(file: Path) -> tuple[list[dict[str, str]], list[int], set[str]]:
    """The rows of a file, the line that each ends on, and the columns."""
    try:
        with file.open(encoding="utf-8-sig", newline="") as opened:
            reader = csv.DictReader(opened, strict=True)
            columns = set(reader.fieldnames or ())
            of_keys = bool(columns & {"api_key", "team"})
            others = columns <= CUSTOMER_COLUMNS or columns <= BINDING_COLUMNS
            if not (columns <= KEY_COLUMNS if of_keys else "customer" in columns and others):
                raise InvalidCall(
                    f"{file}:1: the columns must be customer, name, stripe_customer, or user, customer, valid_from,"
                    " source, or api_key, team, customer, valid_from, source; these are"
                    f" {', '.join(sorted(columns)) or 'none'}"
                )
            rows: list[dict[str, str]] = []
            lines: list[int] = []
            for row in reader:
                if None in row or None in row.values() or not (of_keys or row["customer"]):
                    raise InvalidCall(f"{file}:{reader.line_num}: this row does not fit the columns")
                rows.append(row)
                lines.append(reader.line_num)
                if len(rows) > IMPORT_ROWS_MAX:
                    raise InvalidCall(f"{file} has more than {IMPORT_ROWS_MAX} rows; split it")
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InvalidCall(f"{file} cannot be read: {error}") from error
    return rows, lines, columns


def _instant(text: str | None) -> datetime:
    return instant_in(text) if text else datetime(1971, 1, 1, tzinfo=UTC)
