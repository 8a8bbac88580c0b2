"""The budgets of the architecture, as far as these benchmarks hold a figure against them."""

from typing import Final

from benchmarks.report import Budget

ACCOUNTS_TO_BARE: Final = Budget(">= 30% (reach for 40%)", floor=0.30)
ACCOUNTS_TO_JSON_SERVER: Final = Budget(">= 4x", floor=4.0)
TRANSFER_TO_BARE: Final = Budget(">= 15% (reach for 25%)", floor=0.15)
TRANSFER_TO_JSON_SERVER: Final = Budget(">= 8x", floor=8.0)

FIRST_WRITE: Final = Budget("p50 <= 1.5 ms (reach for 0.3)", ceiling=1.5)
"""Fork or reset plus first write, in process, with a ready copy at hand."""
FIRST_WRITE_COLD: Final = Budget("p50 <= 5 ms", ceiling=5.0)
"""The same without a ready copy."""
WITHOUT_WRITE: Final = Budget("p50 <= 0.1 ms", ceiling=0.1)
"""Fork or reset alone, in process, at any image size."""

START_CACHED: Final = Budget("p50 <= 1,200 ms (reach for 800)", ceiling=1200.0)
START_UNCACHED: Final = Budget("p50 <= 6,000 ms", ceiling=6000.0)
RESIDENT: Final = Budget("<= 130 MiB", ceiling=130.0)

IMAGE: Final = Budget("<= 6 MB (reach for 3.5)", ceiling=6.0)
"""Of a bank of 15,000 transactions, in megabytes."""
HISTORY: Final = Budget("within 2x", ceiling=2.0)

MANY_RESIDENT: Final = Budget("<= 700 MiB (reach for 400)", ceiling=700.0)
"""With 1,000 sandboxes, each signed in to and paid in once."""
WAKE: Final = Budget("p50 <= 3 ms", ceiling=3.0)
"""The whole of a request that wakes a sandbox."""
LAST_TO_FIRST: Final = Budget("within 2x", ceiling=2.0)
"""Making and using the last of 1,000 sandboxes, to the first."""
