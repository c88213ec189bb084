"""A price book that can be loaded from a folder or a mapping, asked for an estimate, and kept up to date."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from os import PathLike
from typing import Any

from tokentill.clock import SYSTEM_CLOCK
from tokentill.prices import book
from tokentill.prices.estimates import Estimate, estimate


class PriceBook(book.PriceBook):
    __doc__ = book.PriceBook.__doc__

    @classmethod
    def load(
        cls,
        folder: str | PathLike[str] | None = None,
        *,
        as_of: datetime | None = None,
        shipped_prices: bool | None = None,
        cache: str | PathLike[str] | None = None,
    ) -> PriceBook:
        """Load the price tables of a `pricing/` folder, with the list prices that tokentill ships beneath them.

        Args:
            folder: None is the one that settings lead to, otherwise the shipped list prices alone (see
                `tokentill.settings`).
            shipped_prices: whether the shipped list prices lie beneath; as `tokentill.toml` says unless given, and yes
                if it says nothing.
            cache: a folder to keep the checked content in, so that the next process loads it faster; see
                `recordings.load.load_folder`.

        Raises:
            InvalidFiles: with every mistake found, by file and line. Nothing is loaded then.
            InvalidCall: when there is no such folder, or the cache cannot be written.
        """
        from tokentill.recordings.load import load_folder  # here, so that pricing alone stays light
        from tokentill.settings import folder_in_settings

        loaded = load_folder(**folder_in_settings(folder, shipped_prices), cache=cache)
        return cls(loaded.prices, beneath=loaded.beneath, as_of=as_of)

    @classmethod
    def from_mapping(cls, *recordings: Mapping[str, Any], as_of: datetime | None = None) -> PriceBook:
        """A book of price tables that the program states itself, each with the content of a price table's JSON form.

        Exact numbers are decimal strings, `Decimal` or int, instants are texts or aware datetimes.

        Raises:
            InvalidFiles: with every mistake, by its path in the mapping.
        """
        from tokentill.recordings.mappings import price_contents  # here for the same reason

        return cls(price_contents(recordings), as_of=as_of)

    def estimate(
        self,
        model: str,
        *,
        input: int | Mapping[str, int],  # noqa: A002
        max_output: int | Mapping[str, int],
        at: datetime | None = None,
        mode: str | None = None,
        geo: str | None = None,
    ) -> Estimate:
        """What a call may cost at list prices, before it is made: the least and the most, exactly.

        The least has the whole input at the cheapest rate that input of text may get (read from the cache, where the
        model has such a rate) and no output. The most has the whole input at the dearest (written to the cache, where
        the model has such a rate) and `max_output` as output or reasoning, whichever is dearer. Both are of the context
        tier that the whole input belongs to, and count the fee of a request. Whatever such a call reports lies between.

        Args:
            model: an id or an alias.
            input: tokens of text; or quantities by name, such as `{"input": 900, "input_audio": 80}`, for input of
                which it is known how it will be counted. Counters such as `web_search` may be among them.
            max_output: the most tokens that the answer may have; or quantities by name.
            at: the instant of the call; the present one unless given.
            mode: `standard`, `batch`, `flex`, `priority`, ...
            geo: where it will be processed, when that changes the price.

        Raises:
            Unpriced: when there is no price for it.
            InvalidCall: when a quantity is named in the input and in the output.
            InvalidRecord: when a quantity is negative or no integer.
        """
        instant = SYSTEM_CLOCK.now() if at is None else at
        return estimate(self, model, input=input, max_output=max_output, at=instant, mode=mode, geo=geo)
