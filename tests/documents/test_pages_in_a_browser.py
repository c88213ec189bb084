"""What a real browser makes of a review page whose customer would like to run a script."""

from __future__ import annotations

import os
import shutil
import subprocess
import warnings
from pathlib import Path

import pytest

from tests.documents.page_reading import PageReader
from tests.documents.preview_builders import cell, invoice, preview, previewed, review
from tokentill.documents.escaping import page_name
from tokentill.documents.review_pages import write_review_pages

HOSTILE = "</title></style><script>document.title='taken';alert(1)</script><img src=x onerror=alert(2)>\u202e"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")


def dom_of(browser: str, page: Path, profile: Path) -> str:
    """The document as the browser sees it after loading."""
    flags = (
        "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
        " --disable-component-update --disable-sync --disable-dev-shm-usage"
    )
    command = [browser, *flags.split(), f"--user-data-dir={profile}", "--dump-dom", page.as_uri()]
    return subprocess.run(command, capture_output=True, check=True, timeout=120).stdout.decode()


@pytest.mark.filterwarnings("default:no browser")
def test_a_browser_finds_no_script_and_the_right_title(tmp_path: Path) -> None:
    made = invoice(HOSTILE, [cell(), cell(HOSTILE, requests=2)])
    held = review(made, "held", note=HOSTILE)
    paths = write_review_pages(preview([previewed(made, held), previewed(invoice("calm"))]), tmp_path / "pages")
    browser = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if browser is None and os.environ.get("TOKENTILL_REQUIRE_BROWSER"):
        pytest.fail("TOKENTILL_REQUIRE_BROWSER is set, and no Chromium is installed")
    if browser is None:
        warnings.warn("no browser is installed; pages are checked by html.parser alone", stacklevel=1)
    titles = {}
    for number, path in enumerate(paths):
        source = path.read_text("utf-8")
        seen = source if browser is None else dom_of(browser, path, tmp_path / f"profile-{number}")
        reader = PageReader(seen)
        assert not {"script", "img", "iframe", "object", "embed"} & set(reader.tags)
        assert not [name for _, name, _ in reader.attributes if name.startswith("on")]
        assert "</title></style><script>document" in reader.text, "the id is shown as text"
        titles[path.name] = reader.title
    assert titles["index.html"] == "2026-10: review before the close"
    assert titles[page_name("calm")] == "calm, 2026-10: review before the close"
    assert titles[page_name(HOSTILE)].startswith("</title></style><script>document")
    assert titles[page_name(HOSTILE)].endswith(", 2026-10: review before the close")
