"""Reads review pages back: their text, tags and attributes, as a browser without scripts would take them."""

from __future__ import annotations

import re
from html.parser import HTMLParser

VOID = {"meta", "link", "br", "hr", "img", "input"}


class PageReader(HTMLParser):
    """What is on a page. `tags` and `attributes` are all that occur; `text` is what is shown, style left out."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.open: list[str] = []
        self.styles: list[str] = []
        self._text: list[str] = []
        self.title = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag, f"</{tag}> closes another tag"

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "style":
            self.styles.append(data)
            return
        if self.open[-2:] == ["head", "title"]:
            self.title += data
        self._text.append(data)

    @property
    def text(self) -> str:
        """All shown text, with every kind of space as one plain space."""
        return re.sub(r"\s+", " ", " ".join(self._text))

    @property
    def numbers(self) -> set[str]:
        """Every number that is shown, without group separators and with an ASCII minus."""
        found = re.findall(r"[+\u2212]?\d[\d,]*(?:\.\d+)?", self.text)
        return {number.replace(",", "").replace("\u2212", "-").lstrip("+") for number in found}

    def values(self, name: str) -> list[str]:
        """The values of an attribute wherever it occurs."""
        return [value for _, key, value in self.attributes if key == name]
