"""`tokentill contracts ...`: check, look at, explain and compare what is agreed with customers."""

from __future__ import annotations

from typing import Annotated

import typer

from tokentill.cli.calling import (
    AfterArgument,
    AreAsOfOption,
    AsOfOption,
    AtOption,
    BeforeArgument,
    Commands,
    Invocation,
    ModelArgument,
    StrictOption,
    WhenOption,
    instant_option,
)
from tokentill.documents.text.checks import show_check
from tokentill.documents.text.contracts import (
    show_agreement,
    show_contract_changes,
    show_contracted,
    show_explained_contract,
)
from tokentill.documents.text.effective_prices import show_card
from tokentill.documents.text.lists import show_contract_list
from tokentill.usage.record import STANDARD

app = Commands()
contracts = app.group("contracts", "List, check, look at, explain and compare contracts.")


@contracts.command("check")
def _check(call: Invocation, strict: StrictOption = False) -> None:
    """Check contracts, with the price tables that they refer to."""
    with call.till() as till:
        checked = till.contracts.check()
    if checked.not_compared is not None:
        call.screen.note(f"not held against what was issued: {checked.not_compared}")
    is_refused = bool(checked.errors) or (strict and bool(checked.findings))
    call.finish(checked.content(), lambda screen: show_check(screen, checked, "contracts"), is_refused=is_refused)


@contracts.command("list")
def _list(call: Invocation, at: AtOption = None) -> None:
    """List every contract: the default, plans, customers.

    Each recorded version with its currency and time zone, since when it is valid, and the file that states it.
    """
    call.answer(call.contracts().list_(at=instant_option(at)), show_contract_list)


@contracts.command("show")
def _show(
    call: Invocation,
    customer: Annotated[
        str | None, typer.Argument(metavar="CUSTOMER", help="A customer's id; a list of all contracts unless given.")
    ] = None,
    at: AtOption = None,
    as_of: AsOfOption = None,
) -> None:
    """List contracts, or show all that is agreed with a customer.

    The contracts that speak for it at an instant, in the order in which their rules are asked, then what is agreed
    for its invoices, and its prepaid credits.
    """
    if customer is None:
        call.answer(call.contracts().customers(as_of=instant_option(as_of)), show_contracted)
        return
    agreed = call.contracts().show(customer, at=instant_option(at), as_of=instant_option(as_of))
    call.answer(agreed, show_agreement)


@contracts.command("explain")
def _explain(
    call: Invocation,
    customer: Annotated[str, typer.Argument(metavar="CUSTOMER", help="A customer's id.")],
    model: ModelArgument,
    at: AtOption = None,
    as_of: AsOfOption = None,
    provider: Annotated[str | None, typer.Option("--provider", metavar="NAME", help="Who served the request.")] = None,
    mode: Annotated[
        str, typer.Option("--mode", metavar="MODE", help="Processing mode: standard, batch, flex, ...")
    ] = STANDARD,
    api_key: Annotated[str | None, typer.Option("--api-key", metavar="KEY", help="As the gateway names it.")] = None,
    user: Annotated[str | None, typer.Option("--user", metavar="USER", help="The opaque user string.")] = None,
    source: Annotated[str, typer.Option("--source", metavar="SOURCE", help="Where the record comes from.")] = "",
    tag: Annotated[list[str] | None, typer.Option("--tag", metavar="TAG", help="A tag; may be repeated.")] = None,
    status: Annotated[
        str, typer.Option("--status", metavar="WORD", help="How the requests ended: ok, error, ...")
    ] = "ok",
    usage_state: Annotated[
        str, typer.Option("--usage-state", metavar="WORD", help="reported, estimated or missing.")
    ] = "reported",
    byok: Annotated[bool, typer.Option("--byok", help="Made with the caller's own key at the provider.")] = False,
    replayed: Annotated[bool, typer.Option("--replayed", help="Answered from the gateway's own cache.")] = False,
    zero_cost: Annotated[bool, typer.Option("--zero-cost", help="At a reported cost of 0.")] = False,
    input_tokens: Annotated[
        int, typer.Option("--input-tokens", min=0, metavar="COUNT", help="Input tokens, for prices by context length.")
    ] = 0,
) -> None:
    """Explain which rule bills a customer's requests to a model.

    Every rule in the order in which it is asked, why it fits or does not, what the first that fits does, and what
    each quantity then costs. Traits that are not given fit no rule that asks for them.
    """
    explained = call.contracts().explain(
        customer,
        model,
        at=instant_option(at),
        as_of=instant_option(as_of),
        provider=provider,
        mode=mode,
        api_key=api_key,
        user=user,
        source=source,
        tags=tag or (),
        status=status,
        usage_state=usage_state,
        is_byok=byok,
        is_replayed=replayed,
        zero_cost=zero_cost,
        input_tokens=input_tokens,
    )
    call.answer(explained, show_explained_contract, is_refused=explained.is_unpriced)


@contracts.command("card")
def _card(
    call: Invocation,
    customer: Annotated[str, typer.Argument(metavar="CUSTOMER", help="A customer's id.")],
    at: AtOption = None,
    as_of: AsOfOption = None,
    model: Annotated[
        str | None, typer.Option("--model", metavar="GLOB", help="Models that fit, with * and ?; all unless given.")
    ] = None,
) -> None:
    """Print what each model costs a customer: its effective rate card.

    For a million of each kind of token and for each other unit: the list price, what is billed, and the rule that
    decides it, by mode and context length. Rules that ask for more than a model and a mode are named below.
    """
    card = call.contracts().card(customer, at=instant_option(at), as_of=instant_option(as_of), model=model)
    call.answer(card, show_card)


@contracts.command("diff")
def _diff(
    call: Invocation, before: BeforeArgument, after: AfterArgument, at: WhenOption = None, as_of: AreAsOfOption = False
) -> None:
    """Compare the contracts of two times, or of two folders.

    In force at two instants, or as known at two times. Lists contracts and credits that are on one side alone, and
    every term and rule that differs. Status 0, whether or not any does.
    """
    call.answer(call.contracts().diff(before, after, at=instant_option(at), as_of=as_of), show_contract_changes)
