"""Which contracts a database was used with, so that a close or a review under a set that lost some is not a surprise.

Each use is stated in an entry of the audit log: in that of a close that begins, of a review, and of a preview under a
set that is new. A close and a review are held against the last close or review, and against the customers and plans of
the last preview.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from tokentill.canonical import Content, content_hash
from tokentill.closing.computation.pins import Inputs
from tokentill.contracts.lost import lost_statements
from tokentill.errors import Refused
from tokentill.invoicing.preview import PricingUsed
from tokentill.store import tables
from tokentill.store.audit import append_audit
from tokentill.store.recordings import keep_recordings, recordings_of
from tokentill.usage.globs import glob_fits
from tokentill.usage.shell_words import shell_word

PREVIEWED = "pricing.previewed"
_ACTIONS = (PREVIEWED, "close.started", "review.approved", "review.held", "review.released")
NAMED_MAX = 12


@dataclass(frozen=True, slots=True)
class _Use:
    """An earlier use: of which set of contracts, where it lay, and whether that is the folder that tokentill ships."""

    is_preview: bool
    contract_set: str
    folder: str
    is_shipped: bool


def lost_since(connection: Connection, inputs: Inputs, used: PricingUsed) -> tuple[str, ...]:
    """What a database's contracts stated when it was used last, and these do not; as a refusal names it."""
    uses = _last_uses(connection)
    lost: dict[str, None] = {}
    for use in uses:
        if use.is_shipped or use.contract_set == used.b:
            continue
        if used.is_shipped:
            lost[f"everything in {use.folder}"] = None
        contract_set = recordings_of(connection, [use.contract_set])[0]
        if not use.is_preview:
            lost |= dict.fromkeys(_trusted_since(contract_set, inputs))
        kept = contract_set["recordings"]
        if set(kept) <= {content_hash(content) for content in inputs.contracts}:
            continue
        missing = lost_statements(recordings_of(connection, kept), inputs.contracts)
        lost |= dict.fromkeys(one for one in missing if not use.is_preview or _is_party(one))
    return tuple(lost)


def _trusted_since(contract_set: Content, inputs: Inputs) -> Iterator[str]:
    """What said of sources that their users decide nothing, where nothing says it any longer."""
    rules = [content for content in inputs.contracts if content["kind"] == "attribution"]
    patterns = [*inputs.untrusted, *(pattern for content in rules for pattern in content.get("untrusted_users", ()))]
    for source in contract_set.get("untrusted", ()):
        if not any(glob_fits(pattern, source) for pattern in patterns):
            yield f'user = "untrusted" of [sources.{source}] in tokentill.toml'


def keep_use(connection: Connection, inputs: Inputs, used: PricingUsed | None, at: datetime) -> Content:
    """Keep the contracts that are used in the caller's writing transaction; returns what its audit entry states."""
    if used is None:
        return {}
    keep_recordings(connection, (*inputs.contracts, inputs.contract_set), at)
    return {"pricing": {"contract_set": used.b, "folder": used.folder, "is_shipped": used.is_shipped}}


def remember_preview(connection: Connection, inputs: Inputs, used: PricingUsed, at: datetime) -> None:
    """Keep in the caller's writing transaction that somebody looked at a preview under a set that is new."""
    append_audit(connection, PREVIEWED, keep_use(connection, inputs, used, at), at=at)


def is_news(connection: Connection, used: PricingUsed) -> bool:
    """Whether these contracts are not those of the last use."""
    uses = _last_uses(connection)
    return not uses or uses[0].contract_set != used.b or uses[0].is_shipped != used.is_shipped


def refuse_lost(lost: tuple[str, ...], used: PricingUsed, command: Callable[..., str]) -> None:
    """Refuse to go on under contracts that lost something. `command` is what was asked, with more options.

    Raises:
        Refused: with what is lost, and how to confirm that it was meant.
    """
    if not lost:
        return
    confirmed = command("--accept-pricing-change", "--pricing", shell_word(used.folder))
    listed = "".join(f"\n  {one}" for one in lost[:NAMED_MAX])
    rest = f"\n  and {len(lost) - NAMED_MAX} more" if len(lost) > NAMED_MAX else ""
    raise Refused(
        f"these are not the contracts that this database was used with last; missing from {used.shown}:{listed}{rest}\n"
        f"Name the right folder with --pricing DIR. If it was meant, confirm it: `{confirmed}`,"
        " or add a recording of kind removal that names what was removed"
    )


def _is_party(statement: str) -> bool:
    """Whether a statement is that there is a customer or a plan, and not one of its rules or terms."""
    return statement.startswith(("customer ", "plan "))


def _last_uses(connection: Connection) -> list[_Use]:
    """The uses back to the last close or review, newest first."""
    audit = tables.audit
    is_use = audit.c.action.in_(_ACTIONS)
    rows = connection.execute(select(audit.c.action, audit.c.content).where(is_use).order_by(audit.c.seq.desc()))
    uses = []
    for row in rows:
        stated = json.loads(row.content).get("pricing")
        if stated is None:  # an entry of an earlier version
            continue
        uses.append(_Use(row.action == PREVIEWED, **stated))
        if row.action != PREVIEWED:
            break
    rows.close()
    return uses
