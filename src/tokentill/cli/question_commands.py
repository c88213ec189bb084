"""`tokentill explain` and `simulate`: where amounts come from, and what they would be."""

from __future__ import annotations

from typing import Annotated

import typer

from tokentill.cli.calling import Commands, Invocation, NumberArgument, PeriodArgument
from tokentill.documents.text.comparisons import show_simulation
from tokentill.documents.text.explanations import show_explained
from tokentill.errors import InvalidCall

app = Commands()


@app.command("explain")
def _explain(
    call: Invocation,
    number: NumberArgument,
    line: Annotated[int | None, typer.Argument(metavar="LINE", help="Only this line or step, counted from 1.")] = None,
    records: Annotated[
        int, typer.Option("--records", metavar="N", min=0, help="How many records of each line to print.")
    ] = 10,
) -> None:
    """Go from any cent to the records, the price entry and the rule.

    The steps below the lines are explained, too: coupons, minimum and cap, taxes, credits, balances; they are counted
    on from the last line. Of an adjustment it shows which records changed, how, and by how much. All of it together is
    what is due.
    """
    with call.till() as till:
        explanation = till.explain(number, line)
    call.finish(explanation.content(), lambda screen: show_explained(screen, explanation, records))


@app.command("simulate")
def _simulate(
    call: Invocation,
    period: PeriodArgument,
    customer: Annotated[
        str | None, typer.Option("--customer", metavar="ID", help="Only this customer, with what differs line by line.")
    ] = None,
) -> None:
    """Show what a period would come to under other prices and contracts, those of --pricing DIR.

    It is held against what was issued, and for customers without an invoice against what would be with your own prices
    and contracts, which TOKENTILL_PRICING, tokentill.toml or ./pricing name. Nothing is stored.
    """
    other = call.shared.pricing
    if other is None:
        raise InvalidCall("name the folder of the other prices and contracts with --pricing DIR")
    with call.till(own_pricing=True) as till:
        call.answer(till.simulate(period, other, customer), show_simulation)
