"""The states of a site, and the arrays that hold a tissue."""

from __future__ import annotations

HEALTHY = 0
SENESCENT = 1
CLEARED = 2  # vacant until repaired
SCARRED = 3  # lost for good
ABSENT = 4  # a hole of the mask: no site, never changes, is nobody's neighbour
STATE_NAMES = ("healthy", "senescent", "cleared", "scarred")
