"""What is said of one price: the entry in force, why it is that one, and which others there are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from tokentill.canonical import Content, fields_of
from tokentill.clock import instant_text
from tokentill.prices.entries import PriceEntry


@dataclass(frozen=True, slots=True)
class PriceShown:
    """What a model costs at an instant. `stated` is the price as its recording states it."""

    asked: str
    at: datetime
    entry: PriceEntry
    stated: Content
    entries: tuple[PriceEntry, ...]

    @property
    def because(self) -> str:
        """How the entry was chosen."""
        model, chosen = self.entry.model, self.entry
        name = "" if self.asked == model else f"{self.asked} is priced as {model}; "
        return (
            f"{name}of the entries that cover {instant_text(self.at)} this one has the greatest valid_from"
            f" ({instant_text(chosen.valid_from)}), then the greatest recorded_at ({instant_text(chosen.recorded_at)})"
        )

    def content(self) -> Content:
        """What `prices show --json` prints."""
        chosen = self.entry
        return {
            "asked": self.asked,
            "model": chosen.model,
            "at": instant_text(self.at),
            "entry": {**self.stated, **fields_of(chosen, "hash", "currency", "recorded_at", "source")},
            "because": self.because,
            "entries": [
                {
                    **fields_of(entry, "hash", "valid_from", "valid_to", "recorded_at"),
                    "in_force": entry.hash == chosen.hash,
                }
                for entry in self.entries
            ],
        }


@dataclass(frozen=True, slots=True)
class Released:
    """The files that were released now, by their paths in the folder."""

    paths: tuple[str, ...]

    def content(self) -> Content:
        """What `prices lock --json` prints."""
        return {"released": list(self.paths)}
