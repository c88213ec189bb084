"""Price tables out of other people's catalogs: what a catalog says, held against a `pricing/` folder, as one recording.

Nothing of a catalog is executed or imported, and nothing of it is trusted: each reader states what it takes, and says
what it leaves out. Nothing is dropped in silence and nothing is filled in by a guess.
"""

from tokentill.pricing.importing.catalog import Catalog, LeftOut, Listing
from tokentill.pricing.importing.planning import Import, plan_import, write_import
from tokentill.pricing.importing.readers import CATALOGS, read_catalog
from tokentill.pricing.importing.seed import import_seed

__all__ = [
    "CATALOGS",
    "Catalog",
    "Import",
    "LeftOut",
    "Listing",
    "import_seed",
    "plan_import",
    "read_catalog",
    "write_import",
]
