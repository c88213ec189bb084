"""Review pages: a period before its close as static pages that a browser reads from a folder.

The pages hold everything they need: no script, no file from elsewhere, only links to each other. The same preview
gives the same bytes. What a reviewer decides is done in the terminal, with the commands that the pages show.
"""

from __future__ import annotations

import base64
import hashlib
import re
from functools import lru_cache
from importlib import resources
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from tokentill.documents.customer_page import customer_view, flat_pins
from tokentill.documents.escaping import short_id, shown_id, shown_text
from tokentill.documents.figures import exact, month_text, short_hash
from tokentill.documents.index_page import by_amount, index_view
from tokentill.documents.page_folder import INDEX, MARK, write_pages
from tokentill.documents.review_status import review_status_of
from tokentill.invoicing.preview import Preview

_CODE = re.compile(r"`([^`]+)`")


def write_review_pages(preview: Preview, folder: Path) -> list[Path]:
    """Write `index.html` and a page for each customer into a folder, and remove earlier ones that no longer apply.

    Other files of the folder are never touched. Returns the paths of all pages, the index first and then the
    customers in its order.

    Raises:
        Refused: when the folder cannot be written or holds an `index.html` of somebody else.
    """
    pages = review_pages(preview)
    written = write_pages(folder, pages)
    return [written[-1], *written[:-1]]


def review_pages(preview: Preview) -> dict[str, str]:
    """All pages by file name. The index comes last, so that it never leads to a page that is not there yet."""
    environment = page_environment()
    statuses = by_amount(review_status_of(previewed) for previewed in preview.customers)
    shown = {"pins": flat_pins(preview.pins), "preview": preview}
    customer_template = environment.get_template("customer.html.j2")
    pages = {}
    for before, status, after in zip([None, *statuses], statuses, [*statuses[1:], None], strict=False):
        view = customer_view(status, preview, before=before, after=after)
        pages[status.page] = customer_template.render(view=view, **shown)
    pages[INDEX] = environment.get_template("index.html.j2").render(view=index_view(preview, statuses), **shown)
    return pages


@lru_cache(maxsize=1)
def page_environment() -> Environment:
    """What renders pages: templates with their filters, everything escaped."""
    environment = Environment(
        loader=PackageLoader("tokentill.documents", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    style = (resources.files("tokentill.documents") / "templates" / "page.css").read_text("utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"
    environment.globals.update(
        style=Markup(style),  # noqa: S704
        content_policy=policy,
        mark=Markup(MARK),  # noqa: S704
        index_page=INDEX,
    )
    filters = {function.__name__: function for function in (shown_id, shown_text, short_id, short_hash, exact)}
    environment.filters.update(filters, month=month_text, prose=_prose)
    return environment


def _prose(text: str) -> Markup:
    """A sentence with its commands, written between backticks, as code. Everything in it is escaped first."""
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704
