"""The sample: activity of an application's users in two months, and the contracts that go with it.

September is a clean export. October has what a real one has: repeated lines, records that come again with other tokens,
damaged lines. Its last day was exported once more, with a model id that no price table knows. `contents.json` counts
what is inside; `tools/sample` made the activity.

A gateway takes any string as a user. So some ids are shaped on purpose to break whatever handles them carelessly:
pages, terminals, spreadsheets, file names, comparisons. They are `ODD_IDS`, and no mistake.
"""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).resolve().parent
SEPTEMBER = FOLDER / "activity-2026-09.jsonl.gz"
OCTOBER = FOLDER / "activity-2026-10.jsonl.gz"
LAST_DAY = FOLDER / "activity-2026-10-31.jsonl.gz"
LATER_ALIAS = FOLDER / "later" / "gateway-2026-11-02.toml"
"""The recording that gives the unknown model id of the last day a price."""

ODD_IDS: dict[str, tuple[str, ...]] = {
    "look-alikes, each a customer of its own": (
        "user_1",
        "USER_1",
        " user_1",
        "user_1 ",
        "user_caf\u00e9",  # looks like the next one, and is another string
        "user_cafe\u0301",
    ),
    "formulas, where a spreadsheet opens them": ("=1+1", "@SUM(A1:A9)"),
    "SQL, paths and addresses": ("user_'); DROP TABLE invoices;--", "../../etc/passwd", "org_a/b?c=d#e%20f"),
    "words and templates of programs": (
        "customer_",  # the template `customer_{id}` needs one character more
        "user_{{7*7}}",
        "None",
    ),
    "emoji, and writing from right to left": (
        "user_🦊_👩\u200d👩\u200d👧",
        "user_משתמש_مستخدم",
        "user_\u202ednuor_eht_yaw_gnorw",  # turns the writing direction round where it is not escaped
    ),
    "512 bytes, the longest that is taken": ("user_" + "0123456789abcdef" * 31 + "_longest_id",),
    "HTML and quotes": ("user_<script>alert(1)</script>", 'user_o\'hara_"quoted"&<b>_é山'),
    "a control character, which no id may hold": ("user_\x00_and_more",),
}
"""Users by what is odd about them. A record with the last one goes to quarantine; the others are billed."""
