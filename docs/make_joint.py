"""The picture of docs/joint.md, from the scenario that it is about: ``python docs/make_joint.py``."""

from __future__ import annotations

from pathlib import Path

import sim

HERE = Path(__file__).parent


def main() -> None:
    """Write docs/images/joint.png: what tissues can do over time; outcomes are the same lines, or means of them."""
    scenario = sim.load(HERE.parent / "configs" / "joint.yaml", {"outcomes": None})
    results = sim.run(scenario, workers=2)
    results.plot.functions().savefig(HERE / "images" / "joint.png", dpi=100, metadata={"Software": None})


if __name__ == "__main__":
    main()
