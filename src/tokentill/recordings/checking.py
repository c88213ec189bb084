"""`prices check`: every rule that the files of a `pricing/` folder must keep, and the one function that runs them.

A check is a pure function from all recordings to findings, named for its rule. Errors keep the whole folder from
loading; warnings are for a person to look at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from os import PathLike

from tokentill.errors import Finding
from tokentill.recordings.checks.agreements import (
    a_validity_is_not_empty,
    currencies_can_be_converted,
    no_contract_is_stated_twice,
    one_default_contract,
    plans_exist,
    zones_exist,
)
from tokentill.recordings.checks.attribution import no_attribution_is_stated_twice, templates_lead_to_a_customer
from tokentill.recordings.checks.exchange_rates import no_rate_of_a_day_is_stated_twice
from tokentill.recordings.checks.grants import (
    a_grant_can_pay,
    a_grant_is_an_amount_or_credits,
    grants_name_their_customers_rightly,
    no_grant_is_stated_twice,
)
from tokentill.recordings.checks.invoice_terms import (
    a_coupon_takes_something_off,
    amounts_are_in_the_currency_that_is_billed,
    limits_leave_something_to_bill,
    taxes_have_names_of_their_own,
)
from tokentill.recordings.checks.magnitudes import (
    cached_is_not_dearer,
    fees_are_of_usual_size,
    output_is_not_cheaper,
    prices_change_within_reason,
    rates_are_of_usual_size,
    sets_are_not_far_apart,
)
from tokentill.recordings.checks.own_rates import (
    own_rates_lack_nothing_of_the_list,
    tier_rates_are_of_what_is_counted,
)
from tokentill.recordings.checks.parents import (
    a_child_leaves_the_invoice_to_its_parent,
    a_parent_pays_its_own_invoice,
)
from tokentill.recordings.checks.price_entries import (
    a_model_keeps_its_currency,
    a_routing_suffix_is_not_an_id,
    an_alias_leads_to_one_model,
    an_entry_says_a_price,
    entries_do_not_overlap,
    entries_leave_no_gap,
    no_entry_is_stated_twice,
    valid_to_is_after_valid_from,
    withdrawn_entries_exist,
)
from tokentill.recordings.checks.price_rates import (
    a_mode_is_not_standard,
    a_tier_has_one_condition,
    fallbacks_lead_to_a_rate,
    quantities_are_known,
    sets_lack_nothing_of_the_base,
    sets_price_what_the_base_prices,
    thresholds_rise,
    windows_can_be_told_apart,
)
from tokentill.recordings.checks.rule_features import (
    a_flat_amount_at_zero_is_stated,
    a_packaged_quantity_is_charged_in_packages_alone,
    an_allowance_includes_something,
    credits_can_be_counted,
    no_quantity_is_counted_twice,
    tiers_leave_no_gap,
    tiers_over_spend_are_marked_up_alike,
    versions_go_on_counting_alike,
    what_is_combined_has_a_meaning,
)
from tokentill.recordings.checks.rules import (
    a_rule_has_what_its_basis_needs,
    matches_name_known_models,
    names_tell_rules_apart,
    rules_can_be_reached,
    rules_name_known_quantities,
)
from tokentill.recordings.lock import released_files_are_unchanged, released_paths
from tokentill.recordings.recording import Recording, Recordings, read_folder

Check = Callable[[Recordings], Iterable[Finding]]

CHECKS: tuple[Check, ...] = (
    an_entry_says_a_price,
    valid_to_is_after_valid_from,
    no_entry_is_stated_twice,
    entries_do_not_overlap,
    entries_leave_no_gap,
    an_alias_leads_to_one_model,
    a_model_keeps_its_currency,
    a_routing_suffix_is_not_an_id,
    withdrawn_entries_exist,
    a_tier_has_one_condition,
    thresholds_rise,
    windows_can_be_told_apart,
    quantities_are_known,
    fallbacks_lead_to_a_rate,
    a_mode_is_not_standard,
    sets_price_what_the_base_prices,
    one_default_contract,
    no_contract_is_stated_twice,
    a_validity_is_not_empty,
    plans_exist,
    zones_exist,
    rules_name_known_quantities,
    a_rule_has_what_its_basis_needs,
    rules_can_be_reached,
    names_tell_rules_apart,
    matches_name_known_models,
    tiers_leave_no_gap,
    tiers_over_spend_are_marked_up_alike,
    tier_rates_are_of_what_is_counted,
    a_flat_amount_at_zero_is_stated,
    an_allowance_includes_something,
    no_quantity_is_counted_twice,
    a_packaged_quantity_is_charged_in_packages_alone,
    credits_can_be_counted,
    versions_go_on_counting_alike,
    what_is_combined_has_a_meaning,
    a_coupon_takes_something_off,
    taxes_have_names_of_their_own,
    limits_leave_something_to_bill,
    amounts_are_in_the_currency_that_is_billed,
    a_parent_pays_its_own_invoice,
    a_child_leaves_the_invoice_to_its_parent,
    a_grant_is_an_amount_or_credits,
    no_grant_is_stated_twice,
    a_grant_can_pay,
    grants_name_their_customers_rightly,
    currencies_can_be_converted,
    no_attribution_is_stated_twice,
    templates_lead_to_a_customer,
    no_rate_of_a_day_is_stated_twice,
    released_files_are_unchanged,
)

CHECKS_BEFORE_RELEASE: tuple[Check, ...] = (
    sets_lack_nothing_of_the_base,
    own_rates_lack_nothing_of_the_list,
    rates_are_of_usual_size,
    fees_are_of_usual_size,
    cached_is_not_dearer,
    output_is_not_cheaper,
    sets_are_not_far_apart,
    prices_change_within_reason,
)
"""Guards on numbers. To release a file is to have looked at them, and nobody may edit it afterwards: they are quiet
about released files, so that what they say is news."""


def check_folder(path: str | PathLike[str] | None = None) -> list[Finding]:
    """Every mistake and every warning in a folder, in order of files and lines. An empty list is a clean folder.

    Args:
        path: a `pricing/` folder; None is the one that tokentill ships.

    Raises:
        InvalidCall: when there is no such folder.
    """
    recordings, findings = read_folder(path)
    return in_order([*findings, *run_checks(recordings)])


def check_with(path: str | PathLike[str] | None, more: Recording) -> list[Finding]:
    """What a price table that is not written yet would bring into a folder: every mistake, and the warnings about it.

    Raises:
        InvalidCall: when there is no such folder.
    """
    recordings, _ = read_folder(path)
    findings = run_checks(replace(recordings, prices=(*recordings.prices, more)))
    is_new = f"{more.file.shown}:"
    return in_order(finding for finding in findings if not finding.is_warning or finding.where.startswith(is_new))


def run_checks(recordings: Recordings) -> Iterator[Finding]:
    """What every check says about the files that are valid by themselves."""
    for check in CHECKS:
        yield from check(recordings)
    released = {recordings.shown(path) for path in released_paths(recordings)}
    for check in CHECKS_BEFORE_RELEASE:
        yield from (finding for finding in check(recordings) if finding.where.rsplit(":", 1)[0] not in released)


def in_order(findings: Iterable[Finding]) -> list[Finding]:
    """Findings by file, then line; each once."""

    def place(finding: Finding) -> tuple[str, int, str]:
        path, line = finding.where.rsplit(":", 1)
        return path, int(line), finding.message

    return sorted(set(findings), key=place)
