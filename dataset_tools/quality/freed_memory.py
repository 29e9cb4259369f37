"""Memory that one picture leaves is kept for the next: asking the system for it anew costs more than QC."""

from __future__ import annotations

from functools import cache

import numpy as np

LARGEST_BYTES = 32_000_000
"""Just under the most that glibc lets its threshold grow to (``mallopt(3)``, `M_MMAP_THRESHOLD`)."""


@cache
def keep_freed_memory() -> None:
    """Let blocks of up to `LARGEST_BYTES` be reused in this process, where the C library is glibc.

    It maps large blocks one by one and unmaps them when they are freed, until one is freed that is larger:
    from then on such blocks are kept. The one that is freed here is never written to, and so takes no memory.
    Elsewhere nothing changes.
    """
    np.empty(LARGEST_BYTES, np.uint8)
