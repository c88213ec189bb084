"""A pricing folder checked as it lies there now."""

from __future__ import annotations

from tokentill.documents.views.checks import FolderCheck, FolderSize
from tokentill.faces.pricing import Pricing
from tokentill.prices.book import PriceBook
from tokentill.recordings.checking import check_folder


def check_pricing(pricing: Pricing) -> FolderCheck:
    """What is wrong in a folder, and how much is in it if it loads."""
    findings = tuple(check_folder(pricing.path))
    shown = str(pricing.path or pricing.root)
    if any(not finding.is_warning for finding in findings):
        return FolderCheck(shown, findings, None)
    loaded = pricing.loaded_anew()
    return FolderCheck(
        shown, findings, FolderSize(len(PriceBook(loaded.prices).models), len(loaded.paths), len(loaded.contracts))
    )
