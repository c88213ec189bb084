"""Price tables out of other people's catalogs: what a catalog says, held against a `pricing/` folder, as one recording.

Nothing of a catalog is executed or imported, and nothing of it is trusted: each reader states what it takes and
what it leaves out. Nothing is dropped in silence and nothing is filled in by a guess.
"""

from tokentill.catalogs.catalog import Catalog, LeftOut, Listing
from tokentill.catalogs.price_import import Import, plan_import, write_import
from tokentill.catalogs.readers import CATALOGS, read_catalog

__all__ = ["CATALOGS", "Catalog", "Import", "LeftOut", "Listing", "plan_import", "read_catalog", "write_import"]
