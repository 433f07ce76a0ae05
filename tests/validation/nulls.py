"""What should do nothing, or may: the nulls named below the table of SCIENCE.md section 9."""

from __future__ import annotations

import math
from collections.abc import Callable

import helpers  # noqa: F401
import numpy as np
from measures import ONE_ERROR, Measured, change, mean
from target import Computation, Findings, Study, Target
from worlds import counts, event, factor, start, tissue, world

from sim.analysis.coupling import mean_coupling
from sim.results import Results

EPIGENETIC = Study("epigenetic.yaml", ("none", "hdac_inducer"))
FISETIN = Study("validation/dq_course.yaml", ("none", "fisetin", "fisetin_null"))
BODY = Study("ageing_body.yaml", ("share_0", "share_1"))


def turned_beside_a_graft(affinity: float = 0.0, threshold: int = 100) -> Findings:
    """Cells that SASP and drift turn within 60 d in 64 x 64 cells around a graft, where nothing else turns any."""
    sasp = factor(reach="50 um", induction={"poisson_tail": {"threshold": threshold, "rate": 1}})
    drift = factor("drift", reach="15 um", affinity={"cell": affinity},
                   cargo={"memory": "3 d", "response": {"hill": {"max_rate": 0.5, "half_max": 1}}})  # fmt: skip
    settings = world(sasp, drift, event(day=0, radius=60, cells="senescent"), tissue(), shape=(64, 64))
    turned = []
    for replicate in range(4):
        simulation = start(settings, replicate)
        for _ in range(120):
            simulation.step()
        seen = counts(simulation.patches["patch"])
        turned.append(float(sum(seen[name] for name in ("SASP", "drift"))))
    return Findings({"turned": mean(np.array(turned))}, {})


def alike(arm: str) -> Callable[[Results], Measured]:
    """Mean correlation of burden between the tissues of an individual, on the last day; error from resampled mice."""

    def measure(results: Results) -> Measured:
        row = mean_coupling(results, level=ONE_ERROR).set_index("arm").loc[arm]
        return Measured(float(row["correlation"]), float(row["high"] - row["low"]) / 2.0, int(row["n"]))

    return measure


QUIET = Computation("a graft that nobody hears", "N1", turned_beside_a_graft)

NULLS: tuple[Target, ...] = (
    Target(
        "N1", "affinity for drift 0 and SASP below its threshold: cells that a graft turns in 60 d", QUIET,
        lambda found: found.number("turned"), "", "no effect", -math.inf, 0.0, "echo",
        "A threshold (`poisson_tail`) is needed for a true null: a Hill response turns some cells at any level.",
    ),
    Target(
        "N2", "an HDAC inhibitor (SAHA) for 90 d: senescent cells against no drug", EPIGENETIC,
        change("n_senescent", "hdac_inducer", "none", 120.0), "%", "can rise (Warnon 2021, dermal fibroblasts)",
        0.0, math.inf, "echo", "The library says that it turns cells; by how much is assumed.", margin=2.0,
    ),
    Target(
        "N3a", "fisetin, 100 mg/kg on five days, that kills nothing: senescent cells on day 14 against no drug",
        FISETIN, change("n_senescent", "fisetin_null", "none", 14.0), "%", "may be null (ITP, a knee trial)", -0.5, 0.5,
        "echo",
        "The same course with the kill set to 0.", own=True,
    ),
    Target(
        "N3b", "the same with the kill of the library", FISETIN, change("n_senescent", "fisetin", "none", 14.0), "%",
        "fewer in fat (mice), or null", -math.inf, 0.0, "echo",
        "A dose of 100 mg/kg kills 0.10: a choice, which the null results contradict.",
    ),
    Target(
        "N4a", "correlation of burden across tissues at 24 months, each with a fluctuation of its own", BODY,
        alike("share_0"), "", "little (Cherqui 2025, no number)", -0.3, 0.3, "echo",
        "That the tissues share no fluctuation was put in (docs/coupling.md); the blood carries little.", own=True,
    ),
    Target(
        "N4b", "the same, all fluctuation in common (the default of `body.systemic_share`)", BODY, alike("share_1"), "",
        "little (Cherqui 2025, no number)", -0.3, 0.3, "echo",
        "The default is that of a single well-mixed body (Karin 2019), and what is shared comes back as correlation. "
        "Scenarios of several tissues with fluctuation should set a small share.",
        own=True,
    ),
)  # fmt: skip
