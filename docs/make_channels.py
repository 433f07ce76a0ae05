"""The picture of docs/drift_or_sasp.md: ``python docs/make_channels.py``."""

from __future__ import annotations

from pathlib import Path

import sim

HERE = Path(__file__).parent


def main() -> None:
    """Write docs/images/channels.png."""
    results = sim.run(sim.load(HERE.parent / "configs" / "drift_or_sasp.yaml"), workers=2)
    results.plot.channels().savefig(HERE / "images" / "channels.png", dpi=110, metadata={"Software": None})


if __name__ == "__main__":
    main()
