"""Nothing is stated twice: what is stated again is recorded later, and then the later statement holds."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator

from tokentill.errors import Finding
from tokentill.recordings.reading import Located, Value
from tokentill.recordings.recording import Recordings
from tokentill.versions import precedence

_CORRECTION = "a correction is a new file with a later recorded_at"


def no_entry_is_stated_twice(recordings: Recordings) -> Iterator[Finding]:
    """One model has one entry for each pair of `valid_from` and `recorded_at`."""
    for first, entry in _twice(recordings.entries, lambda entry: (entry.model, precedence(entry))):
        yield entry.finding((), f"duplicate id: the same valid_from and recorded_at as at {first.where}", _CORRECTION)


def no_alias_is_stated_twice(recordings: Recordings) -> Iterator[Finding]:
    """At one time of recording an id is said once to mean a model from an instant on."""
    for first, alias in _twice(recordings.aliases, lambda alias: (alias.id, alias.model, precedence(alias))):
        yield alias.finding((), f'the alias "{alias.value.id}" is stated at {first.where} too', "remove one of the two")


def no_contract_is_stated_twice(recordings: Recordings) -> Iterator[Finding]:
    """One contract has one version for each pair of `valid_from` and `recorded_at`."""
    for first, again in _twice(recordings.agreements, lambda version: (version.kind, version.id, precedence(version))):
        called = f'{again.value.kind} "{again.value.id}"'
        message = f"{called} has the same valid_from and recorded_at in {first.file.shown}"
        yield again.finding(("id",), message, _CORRECTION)


def no_grant_is_stated_twice(recordings: Recordings) -> Iterator[Finding]:
    """At one time of recording a grant is stated once."""
    for first, again in _twice(recordings.grants, lambda grant: (grant.customer, grant.id, grant.recorded_at)):
        where = first.file.where((*first.position, "id"))
        message = f'the grant "{again.value.id}" of "{again.value.customer}" is stated at {where} too'
        yield again.finding(("id",), message, f"another grant has another id; {_CORRECTION}")


def no_opening_balance_is_stated_twice(recordings: Recordings) -> Iterator[Finding]:
    """At one time of recording an opening balance is stated once."""
    openings = recordings.opening_balances
    for first, again in _twice(openings, lambda opening: (opening.customer, opening.id, opening.recorded_at)):
        where = first.file.where((*first.position, "id"))
        message = f'the opening balance "{again.value.id}" of "{again.value.customer}" is stated at {where} too'
        yield again.finding(("id",), message, f"another balance has another id; {_CORRECTION}")


def no_grant_has_the_id_of_a_part(recordings: Recordings) -> Iterator[Finding]:
    """Beside a grant that recurs no grant of its customer has an id that one of its parts may have."""
    recurring = {(grant.value.customer, grant.value.id) for grant in recordings.grants if grant.value.every is not None}
    for grant in recordings.grants:
        first, at, _ = grant.value.id.rpartition("@")
        if at and (grant.value.customer, first) in recurring:
            message = f'the grant "{first}" recurs, and each part of it has an id like "{grant.value.id}"'
            yield grant.finding(("id",), message, 'write an id without "@" after that one')


def no_attribution_is_stated_twice(recordings: Recordings) -> Iterator[Finding]:
    """One set of attribution rules is in force at a time."""
    for first, again in _twice(recordings.attribution_rules, precedence):
        message = f"the same valid_from and recorded_at as {first.file.shown}"
        yield again.finding(("valid_from",), message, "the newest recording replaces the whole set of rules")


def no_rate_of_a_day_is_stated_twice(recordings: Recordings) -> Iterator[Finding]:
    """At one time of recording a pair of currencies has one exchange rate a day."""
    for first, again in _twice(recordings.fx_rates, lambda rate: (rate.pair, precedence(rate))):
        of, to = again.value.pair
        message = f"the rate from {of} to {to} on {again.value.valid_from.date()} is given at {first.where} too"
        yield again.finding((), message, _CORRECTION)


def _twice(
    stated: Iterable[Located[Value]], key: Callable[[Value], Hashable]
) -> Iterator[tuple[Located[Value], Located[Value]]]:
    """What has a key that was stated before, after the first that has it."""
    seen: dict[Hashable, Located[Value]] = {}
    for located in stated:
        first = seen.setdefault(key(located.value), located)
        if first is not located:
            yield first, located


CHECKS = (
    no_entry_is_stated_twice,
    no_alias_is_stated_twice,
    no_contract_is_stated_twice,
    no_grant_is_stated_twice,
    no_grant_has_the_id_of_a_part,
    no_opening_balance_is_stated_twice,
    no_attribution_is_stated_twice,
    no_rate_of_a_day_is_stated_twice,
)
