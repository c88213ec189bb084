"""From a collected seed of list prices (`price-seed/1`, JSON) to recordings: one price table for each vendor.

Nothing is dropped in silence: a key or a value that this does not know is an error, and facts that have no place in
a price (free quotas, conflicts between catalogs, retirement dates) go into the note of the entry.

    python -m tools.seed_prices prices_seed.json pricing/models
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from os import PathLike
from pathlib import Path
from typing import Any, NoReturn

from tokentill.canonical import Content, content_hash
from tokentill.clock import instant_text
from tokentill.errors import InvalidFiles, Refused, ensure
from tokentill.money import EXACT, amount_text
from tokentill.recordings.positions import KeyPath
from tokentill.recordings.reading import FileText, Unreadable, parse, read_text
from tokentill.recordings.recording import recording_of
from tokentill.recordings.writing import price_table_text

SEED_RECORDED_AT = datetime(2026, 11, 23, tzinfo=UTC)
DATE_NOT_KNOWN = datetime(2026, 9, 1, tzinfo=UTC)
"""From when a price holds of which nobody wrote down the first day."""

_NAMES = {"cache_audio_read": "input_audio_cache_read", "cache_image_read": "input_image_cache_read"}
_PER_1K = "_per_1k"
_GEO_OF = {
    "regional_processing_uplift_multiplier_eu": "eu",
    "regional_processing_uplift_multiplier_us": "us",
    "inference_geo_us_multiplier": "us",
}
_FAST = "speed_fast_multiplier"
_TOP = {"schema", "generated", "currency", "unit", "sources", "reading", "models"}
_MODEL = {
    "model",
    "upstream_model",
    "provider",
    "currency",
    "unit",
    "release_date",
    "prices",
    "modes",
    "multipliers",
    "aliases",
    "source_url",
    "checked_on",
    "deprecation_date",
    "history_unresolved",
    "web_search_per_query_by_context_size",
    "web_search_billing_unit",
    "web_search_free",
}
_INTERVAL = {
    "valid_from",
    "valid_to",
    "rates",
    "context_tiers",
    "time_windows",
    "confirmed_by",
    "conflicts",
    "rates_only_in_litellm",
}
_TIER = {"input_tokens_op", "input_tokens", "applies_to", "rates"}
_WINDOW = {"rule", "days", "utc", "half_open", "evidence", "rates"}
_MODE = {"rates", "context_tiers", "confirmed_by", "verified_on"}


def import_seed(
    seed_json_path: str | PathLike[str],
    out_folder: str | PathLike[str],
    *,
    recorded_at: datetime = SEED_RECORDED_AT,
) -> list[Path]:
    """Write the price tables of a seed to `<out_folder>/<vendor>.toml`, and return their paths.

    Raises:
        InvalidFiles: when the seed holds something that this does not know, by line.
        Refused: when a file to be written is there already with another content.
    """
    source = Path(seed_json_path)
    try:
        file = read_text(source, source.name, source.as_posix())
        seed = parse(file)
    except Unreadable as error:
        raise InvalidFiles(error.findings) from None
    texts = _Seed(file, recorded_at).texts(seed)
    folder = Path(out_folder)
    folder.mkdir(parents=True, exist_ok=True)
    for vendor, text in texts.items():
        path = folder / f"{vendor}.toml"
        if path.exists() and path.read_text(encoding="utf-8") != text:
            raise Refused(f"{path.as_posix()} exists with another content; import into another folder and compare")
    return [_write(folder / f"{vendor}.toml", text) for vendor, text in sorted(texts.items())]


def _write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8", newline="\n")
    return path


@dataclass(frozen=True, slots=True)
class _Seed:
    """One seed file that is being converted; it knows where to point when something is wrong."""

    file: FileText
    recorded_at: datetime

    def texts(self, seed: Mapping[str, Any]) -> dict[str, str]:
        """The text of each vendor's price table."""
        self.keys(seed, (), _TOP, _TOP)
        self.equal(seed["schema"], "price-seed/1", ("schema",))
        unit = "USD per 1,000,000 tokens unless the key says per_1k; decimal strings"
        self.equal(seed["unit"], unit, ("unit",))
        catalogs = ", ".join(source["id"] for source in seed["sources"])
        by_vendor: dict[str, list[Content]] = {}
        for index, model in enumerate(seed["models"]):
            path: KeyPath = ("models", index)
            entries = self.entries(model, path, seed["currency"])
            by_vendor.setdefault(self.vendor(model["provider"], path), []).extend(entries)
        return {
            vendor: self.table_text(vendor, entries, seed, f"catalogs of {seed['generated']}: {catalogs}")
            for vendor, entries in by_vendor.items()
        }

    def table_text(self, vendor: str, entries: Sequence[Content], seed: Mapping[str, Any], source: str) -> str:
        """One price table as text that reads back as exactly these entries."""
        tree = {
            "format": 1,
            "kind": "prices",
            "recorded_at": self.recorded_at,
            "currency": seed["currency"],
            "source": source,
            "price": list(entries),
        }
        try:
            content = recording_of(tree, self.file, "prices").content
        except Unreadable as error:
            raise InvalidFiles(error.findings) from None
        comments = (
            f"List prices of {vendor}, in {seed['currency']} for a million tokens; fees for the units they name.",
            f"Read from public catalogs on {seed['generated']}, not from the vendor's own pages. Where the notes say"
            " that a day is not known, the price was in force by then and may have been earlier.",
        )
        text = price_table_text(content, comments=comments)
        written = FileText(f"{vendor}.toml", f"{vendor}.toml", text)
        read_back = recording_of(parse(written), written, "prices").content
        ensure(content_hash(read_back) == content_hash(content), f"{vendor}.toml does not read back as it was written")
        return text

    def entries(self, model: Mapping[str, Any], path: KeyPath, currency: str) -> list[Content]:
        """The entries of one model, oldest first."""
        required = {"model", "provider", "currency", "unit", "prices", "aliases", "source_url", "checked_on"}
        self.keys(model, path, _MODEL, required)
        self.equal(model["currency"], currency, (*path, "currency"))
        self.equal(model["unit"], "per 1,000,000 tokens", (*path, "unit"))
        upstream = [model["upstream_model"]] if "upstream_model" in model else []
        aliases = {*model["aliases"], *upstream} - {model["model"]}
        found = []
        for index, interval in enumerate(model["prices"]):
            at: KeyPath = (*path, "prices", index)
            entry, notes = self.interval(interval, at)
            entry = {"model": model["model"], "aliases": sorted(aliases), **entry, "per": 1_000_000}
            if self.is_present(entry):
                notes += self.add_present_facts(entry, model, path)
            elif "modes" in model or "multipliers" in model:
                notes.append("Other modes and regional factors of this time are not known.")
            notes += self.model_notes(model, interval, path, is_first=index == 0)
            checked = str(model["checked_on"])[:10]
            confirmed = "; confirmed by " + ", ".join(interval["confirmed_by"])
            entry["source"] = f"{model['source_url']}{confirmed}; catalogs of {checked}"
            if notes:
                entry["note"] = " ".join(notes)
            found.append(entry)
        return found

    def interval(self, interval: Mapping[str, Any], path: KeyPath) -> tuple[Content, list[str]]:
        """One interval as an entry without its model, and what its note has to say."""
        self.keys(interval, path, _INTERVAL, {"valid_from", "valid_to", "rates", "confirmed_by"})
        valid_from, notes = self.valid_from(interval, path)
        entry: Content = {"valid_from": valid_from}
        if interval["valid_to"] is not None:
            entry["valid_to"] = interval["valid_to"]
        rates, fees = self.rates_and_fees(interval["rates"], (*path, "rates"))
        alone, more_fees = self.rates_and_fees(interval.get("rates_only_in_litellm", {}), path)
        for name, rate in alone.items():
            if name in rates:
                self.wrong((*path, "rates_only_in_litellm", name), f'"{name}" is among the rates too')
            notes.append(f"{name} {rate} is from litellm alone.")
        entry["rates"] = rates | alone
        if fees | more_fees:
            entry["fees"] = fees | more_fees
        if "cache_write_5m" in rates and "cache_write_1h" not in rates:
            # one price for cache writes: how long they are kept cannot change it
            entry["fallback"] = {"cache_write": "cache_write_5m"}
        self.add_tiers(entry, interval, path)
        if "time_windows" in interval:
            windows = [self.windows(window, (*path, "time_windows")) for window in interval["time_windows"]]
            entry["window"] = [window for group, _ in windows for window in group]
            notes += [note for _, note in windows]
        for catalog, other in interval.get("conflicts", {}).items():
            listed = ", ".join(f"{_NAMES.get(name, name)} {rate}" for name, rate in other.items())
            notes.append(f"In conflict: {catalog} has {listed}.")
        return entry, notes

    def valid_from(self, interval: Mapping[str, Any], path: KeyPath) -> tuple[str, list[str]]:
        """When an interval begins, and a note where that is not known."""
        written = interval["valid_from"]
        if written is None:
            begins, ends = DATE_NOT_KNOWN, interval["valid_to"]
            if ends is not None and datetime.fromisoformat(ends) <= begins:
                end = datetime.fromisoformat(ends)
                begins = datetime(end.year, end.month, 1, tzinfo=UTC)
                begins = begins.replace(month=end.month - 1) if end.month > 1 else begins.replace(end.year - 1, 12)
            return instant_text(begins), ["The day from which this price holds is not known."]
        if len(written) == len("2026-01T00:00:00Z"):
            month, _, time = written.partition("T")
            begins = datetime.fromisoformat(f"{month}-01T{time}")
            return instant_text(begins), ["The month from which this price holds is known, the day is not."]
        try:
            return instant_text(datetime.fromisoformat(written)), []
        except ValueError:
            self.wrong((*path, "valid_from"), f'"{written}" is not an instant')

    def is_present(self, entry: Content) -> bool:
        """Whether an entry is in force when the seed was recorded."""
        valid_to = entry.get("valid_to")
        begins = datetime.fromisoformat(entry["valid_from"])
        return begins <= self.recorded_at and (valid_to is None or self.recorded_at < datetime.fromisoformat(valid_to))

    def rates_and_fees(self, written: Mapping[str, str], path: KeyPath) -> tuple[Content, Content]:
        """Rates under our names for the leaves, and `..._per_1k` as fees."""
        rates, fees = {}, {}
        for name, rate in written.items():
            if not isinstance(rate, str):
                self.wrong((*path, name), f'"{name}" is not a decimal string')
            if name.endswith(_PER_1K):
                fees[name.removesuffix(_PER_1K)] = {"price": rate, "per": 1000}
            else:
                rates[_NAMES.get(name, name)] = rate
        return rates, fees

    def add_tiers(self, target: Content, source: Mapping[str, Any], path: KeyPath) -> None:
        """The context tiers of an interval or a mode."""
        if "context_tiers" not in source:
            return
        target["tier"] = []
        for index, tier in enumerate(source["context_tiers"]):
            at: KeyPath = (*path, "context_tiers", index)
            self.keys(tier, at, _TIER, _TIER)
            self.equal(tier["applies_to"], "whole request", (*at, "applies_to"))
            operators = {">": "input_tokens_gt", ">=": "input_tokens_gte"}
            if tier["input_tokens_op"] not in operators:
                self.wrong((*at, "input_tokens_op"), f'"{tier["input_tokens_op"]}" is neither > nor >=')
            rates, fees = self.rates_and_fees(tier["rates"], (*at, "rates"))
            if fees:
                self.wrong((*at, "rates"), "a tier with fees")
            when = {operators[tier["input_tokens_op"]]: tier["input_tokens"]}
            target["tier"].append({"when": when, "rates": rates})

    def windows(self, window: Mapping[str, Any], path: KeyPath) -> tuple[list[Content], str]:
        """A price window for each span of hours, and a note on what is known of it."""
        self.keys(window, path, _WINDOW, _WINDOW)
        self.equal(window["half_open"], True, path)
        rates, fees = self.rates_and_fees(window["rates"], path)
        if fees:
            self.wrong(path, "a window with fees")
        days = {} if window["days"] == "every day" else {"days": window["days"]}
        found = [
            {"when": {**days, "between": list(span), "time_zone": "UTC"}, "rates": rates} for span in window["utc"]
        ]
        return found, f"Window {window['rule']}: {window['evidence']}."

    def add_present_facts(self, entry: Content, model: Mapping[str, Any], path: KeyPath) -> list[str]:
        """Modes and factors, which are known for the present only; returns what the note has to say of them."""
        notes = []
        for name, mode in model.get("modes", {}).items():
            at: KeyPath = (*path, "modes", name)
            self.keys(mode, at, _MODE, {"rates", "confirmed_by"})
            rates, fees = self.rates_and_fees(mode["rates"], (*at, "rates"))
            if fees:
                self.wrong((*at, "rates"), "a mode with fees")
            for extra in sorted(set(rates) - set(entry["rates"])):
                if Decimal(rates[extra]):
                    self.wrong((*at, "rates"), f'mode "{name}" has a rate for "{extra}", the model has none')
                del rates[extra]
                notes.append(f"The rate of 0 for {extra} in mode {name} is left out; the model has no {extra}.")
            table: Content = {"rates": rates}
            self.add_tiers(table, mode, at)
            entry.setdefault("mode", {})[name] = table
            verified = f", verified on {mode['verified_on']}" if "verified_on" in mode else ""
            notes.append(f"Mode {name}: {', '.join(mode['confirmed_by'])}{verified}.")
        return notes + self.add_multipliers(entry, model.get("multipliers", {}), (*path, "multipliers"))

    def add_multipliers(self, entry: Content, factors: Mapping[str, str], path: KeyPath) -> list[str]:
        """Factors of geography, and the fast mode, for which catalogs list a factor instead of rates."""
        if not factors:
            return []
        self.keys(factors, path, {*_GEO_OF, _FAST, "source"}, {"source"})
        notes = []
        geo = {_GEO_OF[name]: factor for name, factor in factors.items() if name in _GEO_OF}
        if geo:
            entry["multiplier"] = {"geo": geo}
            notes.append(f"Factors of geography: {factors['source']}.")
        if _FAST in factors:
            if "tier" in entry or "fast" in entry.get("mode", {}):
                self.wrong((*path, _FAST), "a fast mode beside tiers, or stated twice")
            factor = Decimal(factors[_FAST])
            rates = {name: amount_text(EXACT.multiply(Decimal(rate), factor)) for name, rate in entry["rates"].items()}
            entry.setdefault("mode", {})["fast"] = {"rates": rates}
            notes.append(f"Mode fast: {amount_text(factor)} times the standard rates, {factors['source']}.")
        return notes

    def model_notes(
        self, model: Mapping[str, Any], interval: Mapping[str, Any], path: KeyPath, *, is_first: bool
    ) -> Iterable[str]:
        """What is known of a model beside its prices."""
        released = model.get("release_date")
        begins = interval["valid_from"]
        if is_first and released is not None and (begins is None or not begins.startswith(released)):
            yield f"Released on {released}."
        if "deprecation_date" in model:
            yield f"The vendor retires it on {model['deprecation_date']}."
        if "history_unresolved" in model:
            yield f"History: {model['history_unresolved']}"
        by_size = model.get("web_search_per_query_by_context_size", {})
        listed = interval["rates"].get("web_search_per_1k")
        of_thousand = {EXACT.multiply(Decimal(price), Decimal(1000)) for price in by_size.values()}
        if by_size and (listed is None or of_thousand != {Decimal(listed)}):
            prices = ", ".join(f"{size} {price}" for size, price in sorted(by_size.items()))
            yield f"litellm has a price of its own for a web search, by context size: {prices}."
        if "web_search_billing_unit" in model:
            self.equal(model["web_search_billing_unit"], "per_query", (*path, "web_search_billing_unit"))
            yield "Web searches are billed by the query, not by the prompt."
        if "web_search_free" in model:
            free = model["web_search_free"]
            at: KeyPath = (*path, "web_search_free")
            self.keys(free, at, {"count", "period", "shared_group"}, {"count", "period", "shared_group"})
            yield (
                f"The vendor gives {free['count']} web searches a {free['period']} free, shared by the models of"
                f" {free['shared_group']}; the fee is the list price without them."
            )

    def vendor(self, provider: str, path: KeyPath) -> str:
        """The provider as the name of a file."""
        if not provider.replace("-", "a").isalnum() or provider != provider.lower():
            self.wrong((*path, "provider"), f'"{provider}" cannot name a file')
        return provider

    def keys(self, table: Mapping[str, Any], path: KeyPath, known: set[str], required: set[str]) -> None:
        """Refuse a table with a key that is not known, or without one that is needed."""
        for key in table:
            if key not in known:
                self.wrong((*path, key), f'unknown key "{key}"')
        for key in sorted(required - set(table)):
            self.wrong(path, f'"{key}" is missing')

    def equal(self, written: object, expected: object, path: KeyPath) -> None:
        """Refuse another value than the one that this was written for."""
        if written != expected:
            self.wrong(path, f'"{written}" is not "{expected}"')

    def wrong(self, path: KeyPath, message: str) -> NoReturn:
        """Refuse the seed, with a line."""
        hint = "extend tools.seed_prices, so that nothing is lost"
        raise InvalidFiles([self.file.finding(path, message, hint)])


if __name__ == "__main__":
    for path in import_seed(*sys.argv[1:3]):
        print(f"wrote {path}")
