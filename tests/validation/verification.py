"""Verification: the numerics against what is known, by computations that need no scenario of biology."""

from __future__ import annotations

import math
from collections.abc import Callable

from measures import Measured
from nulls import QUIET
from numerics import mean_field_limit, tissue_steps, transport, voxel_burden, voxels, well_mixed_steps
from percolation import contact_process, site_percolation
from symmetry import engines, mirror
from target import Computation, Findings, Target

TRANSPORT = Computation("transport", "V1", transport)
EQUATION = Computation("steps of the mean field", "V2a", well_mixed_steps)
STEPS = Computation("steps of a tissue", "V2b", tissue_steps)
VOXELS = Computation("levels in coarse voxels", "V3a V3b", voxels)
COARSE = Computation("burden in coarse voxels", "V3c V3d", voxel_burden)
REACH = Computation("a reach beyond the tissue", "V4a", mean_field_limit)
CONTACT = Computation("repair against loss", "V5a", contact_process)
SITES = Computation("loss without repair", "V5b V5c", site_percolation)
MIRROR = Computation("mirrored tissue", "V6", mirror)
ENGINES = Computation("two engines", "V7", engines)
QUICK = {TRANSPORT, EQUATION, VOXELS, MIRROR, QUIET}  # seconds together: for every test run


def number(name: str) -> Callable[[Findings], Measured]:
    """One of the numbers that a computation finds."""
    return lambda found: found.number(name)


VERIFICATION: tuple[Target, ...] = (
    Target(
        "V1a", "point source at rest in a plane, voxels of L / 4: largest error from 3 voxels to 3 L", TRANSPORT,
        number("worst_2d"), "%", "K0(r / L) / 2 pi D", -math.inf, 1.6, "verified",
        "L is the decay length. Tolerances of V1a and V1b are in line with the docstring of `Spectral`.",
    ),
    Target(
        "V1b", "the same in space, voxels of L / 3", TRANSPORT, number("worst_3d"), "%",
        "exp(-r / L) / 4 pi D r (Yukawa)", -math.inf, 9.0, "verified",
    ),
    Target(
        "V1c", "order of the error in the side of a voxel, in a plane", TRANSPORT, number("order_2d"), "", "2",
        1.9, 2.1, "verified", own=True,
    ),
    Target("V1d", "the same in space", TRANSPORT, number("order_3d"), "", "2", 1.9, 2.1, "verified", own=True),
    Target(
        "V1e", "one cosine mode between walls: error after 40 steps", TRANSPORT, number("mode"), "of it",
        "exp(-(k + D q²) t)", -math.inf, 1e-12, "verified",
        "q² is that of the second difference: the grid is no error.", own=True,
    ),
    Target(
        "V1f", "mass after 1,000 steps of changing sources, float32", TRANSPORT, number("mass"), "of it", "conserved",
        -math.inf, 1e-6, "verified", own=True,
    ),
    Target(
        "V1g", "a day of transport in one step against 1,000 steps", TRANSPORT, number("steps"), "of the maximum",
        "the same", -math.inf, 1e-12, "verified", "Our code against itself.", own=True,
    ),
    Target(
        "V1h", "V1a between reflecting walls: point source off the middle of a plane", TRANSPORT,
        number("worst_walls"), "%", "K0 of it and of its mirror sources", -math.inf, 1.6, "verified",
        "V1e and V1h to V1m are the default of a tissue, a plane between walls, which goes through `sim.transforms`; "
        "V1a to V1d, V1f and V1g have a periodic axis and go through SciPy.", own=True,
    ),
    Target(
        "V1i", "the same: order of the error in the side of a voxel", TRANSPORT, number("order_walls"), "", "2", 1.9,
        2.1, "verified", own=True,
    ),
    Target(
        "V1j", "the same in float32 against float64: largest difference", TRANSPORT, number("single_walls"),
        "of the level", "the same", -math.inf, 1e-5, "verified", "Our code against itself.", own=True,
    ),
    Target(
        "V1k", "V1f between reflecting walls, float32", TRANSPORT, number("mass_walls"), "of it", "conserved",
        -math.inf, 1e-6, "verified", own=True,
    ),
    Target(
        "V1l", "V1g between reflecting walls, float64", TRANSPORT, number("steps_walls"), "of the maximum", "the same",
        -math.inf, 1e-12, "verified", "Our code against itself.", own=True,
    ),
    Target(
        "V1m", "the same, float32", TRANSPORT, number("single_steps_walls"), "of the maximum", "the same", -math.inf,
        1e-5, "verified", "Our code against itself.", own=True,
    ),
    Target(
        "V2a", "spread in the mean field, steps of 1 to 1/8 d: order of the error in dt", EQUATION, number("order"), "",
        "1 (logistic growth)", 0.9, 1.1, "verified", "`mode: well_mixed` against the closed form after 7 d, when it "
        "is 46 %.",
        own=True,
    ),
    Target(
        "V2b", "paracrine tissue, 30 d: burden with steps of 1/2 d less that with 1/4 d", STEPS, number("halved"),
        "points", "none, as dt goes to 0", -0.5, 0.5, "verified",
        "Our code against itself. A step reads the state at its start, so that a longer one gives more: 10.04, 9.71, "
        "9.46 and 9.38 % with steps of 1 to 1/8 d (picture). A step of 1/2 d is about 4 % above one of 1/8 d, a step "
        "of 1 d 7 %: the tolerance is wider than that.",
        own=True,
    ),
    Target(
        "V3a", "level at healthy cells in voxels of 2 x 2 cells against 1 x 1, reach of 5 cells: rms", VOXELS,
        number("level_2"), "%", "the same", -math.inf, 10.0, "verified",
        "V3a to V3d are our code against itself. A coarse voxel spreads its sources evenly over its cells. Tolerances "
        "of V2b and V3 were set with the numbers in view.",
        own=True,
    ),
    Target(
        "V3b", "the same, 4 x 4 cells", VOXELS, number("level_4"), "%", "the same", -math.inf, 20.0, "verified",
        own=True,
    ),
    Target(
        "V3c", "paracrine tissue, 30 d: burden in voxels of 2 x 2 cells less that of 1 x 1", COARSE, number("burden_2"),
        "points", "none", -0.2, 0.2, "verified",
        "The luck is shared cell by cell, so that 24 tissues tell 0.03 points.", own=True,
    ),
    Target(
        "V3d", "the same, 4 x 4 cells", COARSE, number("burden_4"), "points", "none", -0.4, 0.4, "verified",
        own=True,
    ),
    Target(
        "V4a", "signal that reaches all of the tissue: burden after 7 d over that of the mean field", REACH,
        number("whole"), "", "1 (logistic growth, in the same steps)", 0.98, 1.02, "verified",
        "The well-mixed limit, read where the mean field has 41 % and a rate 5 % higher would give 1.07. Shorter "
        "reaches are in the picture.",
        own=True,
    ),
    Target(
        "V5a", "repair against loss, von Neumann neighbours: rate of repair over that of loss at which tissue dies out",
        CONTACT, number("threshold"), "", "1.6488 (contact process)", 0.99 * 1.6488, 1.01 * 1.6488, "verified",
        "A vacant site is refilled at `rate` n / 4, n being its healthy neighbours, cells are lost at 1 /d: the "
        "contact process, in the convention of rate lambda / 4 per pair (Moreira and Dickman 1996). Ours: the rate at "
        "which the share of healthy sites falls as t^-0.4505 from day 10 to 100 (Voigt and Ziff 1997), drawn on from "
        "steps of 1/20 and 1/40 d to none. A finite step lowers it: see the picture.",
        own=True,
    ),
    Target(
        "V5b", "independent loss, clusters by von Neumann neighbours: healthy share at which the tissue falls apart",
        SITES,
        number("von_neumann"), "", "0.592746 (site percolation)", 0.98 * 0.592746, 1.02 * 0.592746, "verified",
        "Where the largest clusters of 64 x 64 (96 copies) and 256 x 256 cells (12), times L^(5/48), cross. The rule "
        "of loss has no neighbours: what is tested is that it is independent, and the neighbours of the tissue.",
        own=True,
    ),
    Target(
        "V5c", "the same, Moore neighbours", SITES, number("moore"), "", "0.407254", 0.98 * 0.407254, 1.02 * 0.407254,
        "verified", "The matching lattice: 1 less the threshold above (Sykes and Essam 1964).", own=True,
    ),
    Target(
        "V6a", "mirrored tissue, mirrored draws: sites that differ although u is 1e-6 or more from p",
        MIRROR, number("unexplained"), "", "0", -math.inf, 0.0, "verified",
        "Our code against itself: 1,760 sites, 30 steps; a hole, a graft and a wound off the middle; damage, SASP, "
        "cargo, contact, immunity, repair, scars, evasion.",
    ),
    Target(
        "V6b", "the same: draws with u within 1e-6 of p, where rounding may decide", MIRROR, number("near"), "",
        "about 0.1", -math.inf, 3.0, "verified", "2e-6 of all draws, about.", own=True,
    ),
    Target(
        "V7", "agents against compiled loops, all rules at once, 30 steps: bits of state that differ", ENGINES,
        number("bits"), "", "0", -math.inf, 0.0, "verified",
        "Our code against itself; n is the number of bits that were compared.",
    ),
)  # fmt: skip
