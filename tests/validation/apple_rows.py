"""Row 27: apples in a store."""

from __future__ import annotations

import math

from apple_measures import jump, mean_level, threshold, unripe_longer
from target import Study, Target

OUTSIDE = Study("validation/apple_threshold.yaml")
STORE = Study("apple_store.yaml", ("cold", "low_oxygen", "mcp"))
DOSES = {"ppm_0_01": 0.01, "ppm_0_1": 0.1, "ppm_1": 1.0, "ppm_10": 10.0, "ppm_100": 100.0}

APPLES: tuple[Target, ...] = (
    Target(
        "27a", "apples at 20 degC, 48 h of ethylene from outside: dose that saves half of what 100 ppm save", OUTSIDE,
        threshold(DOSES, "ppm_0"), "ppm", "0.1 to 10 ppm", 0.1, 10.0, "fitted",
        "The half-maximum of the response, 1 ppm, was chosen from the same source; half of the effect is reached with "
        "less, because fruit that ripen by the dose make more.",
    ),
    Target(
        "27b", "the same without a dose: ethylene over that of fruit that do not respond to it", OUTSIDE,
        jump("ppm_0", "deaf"), "times", "at least 10 times", 10.0, math.inf, "fitted",
        "Where the two are farthest apart. That an unripe fruit makes less than a tenth is put in, how many ripen "
        "by themselves is assumed.",
    ),
    Target(
        "27c", "cold store, 1-MCP on day 0: mean ethylene of 120 d over that without it", STORE,
        mean_level("mcp", "cold"), "times", "stays low (no number)", -math.inf, 0.25, "fitted",
        "What 1-MCP does to the response, and for how long, is assumed.", own=True,
    ),
    Target(
        "27d", "cold store at 1 % oxygen: fruit stay unripe longer than in air, of 120 d", STORE,
        unripe_longer("low_oxygen", "cold"), "d", "slower (no number)", 0.0, math.inf, "echo",
        "A direction only, which could hardly come out otherwise: half of the production at 1.5 to 2 % oxygen is put "
        "in, and ethylene is what ripens most fruit.",
        margin=2.0,
    ),
)  # fmt: skip
