"""For all tests: no silent nan or overflow, and property tests that draw the same examples every time."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import settings

settings.register_profile("senodrift", derandomize=True, deadline=None, database=None)
settings.load_profile("senodrift")
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # a shell starts what it runs in the background deaf to Ctrl-C
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def _loud_arithmetic() -> Iterator[None]:
    """Overflow, division by zero and invalid operations of NumPy raise; only what is too small may vanish."""
    with np.errstate(all="raise", under="ignore"):
        yield


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with long tests first (a worker takes whole files): two workers then end together."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)
