"""A checked pricing folder as text for a terminal."""

from __future__ import annotations

from typing import Literal

from tokentill.documents.escaping import shown_id
from tokentill.documents.text.screen import Screen
from tokentill.documents.views.folder_check import FolderCheck


def show_check(screen: Screen, checked: FolderCheck, counted: Literal["recordings", "contracts"]) -> None:
    """Every finding, then how much is in the folder; `counted` names what is counted beside models."""
    for finding in checked.findings:
        screen.say(f"{'warning: ' if finding.is_warning else ''}{finding}")
    if checked.size is None:
        screen.say(f"{len(checked.errors)} mistakes; nothing of this folder loads until they are put right")
    else:
        number = checked.size.contracts if counted == "contracts" else checked.size.recordings
        size = f"{number} {counted}, {checked.size.models} models, {len(checked.findings)} warnings"
        screen.say(f"{checked.folder}: {size}")
    for boundary in checked.kept_boundaries:
        screen.say(f"{shown_id(boundary.customer)}: {boundary}")
