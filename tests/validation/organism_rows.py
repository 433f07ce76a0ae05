"""Rows 16 to 18 and 23: grafts, near and far."""

from __future__ import annotations

import math

from organism_measures import above, beside_the_graft, excess, graft_left, nearer, older_needs_fewer, trend
from target import Study, Target

BESIDE = Study("validation/graft_beside.yaml")
GRAFT = Study("skin_graft.yaml", ("sham", "graft", "topical", "systemic"))
DOSES = Study("graft_dose.yaml")
FAR = ("muscle", "spine", "femur", "hippocampus")
CHOSEN = (
    "Blood, tropism and what a grafted cell gives off are assumed, and were chosen so that an effect can be seen; its "
    "size says nothing. The published sizes are not available to us."
)

_graft = [
    Target(
        "16", "host cells within 150 um of a graft after 3 weeks, above no graft, over a wild type of 32 months",
        BESIDE, beside_the_graft("graft", "no_graft", "wild_type_32_months"), "", "about 1", 0.5, 2.0, "predicted",
        "It fails by far: with the set of docs/ageing.md no cell turns by SASP and drift faster than 0.096 % a day, 2 "
        "% in three weeks, however near the graft is; the rest of what is found are cells that immune cells, busy "
        "with the graft, leave. Either cells beside a graft meet more than the spread of natural ageing, or ageing "
        "spreads more than the fit says.",
    ),
    Target(
        "17a", "skin graft, 5 months: muscle above that of the sham graft", GRAFT, excess("graft", "sham", "muscle"),
        "points", "up (no number)", 0.0, math.inf, "fitted", CHOSEN, margin=2.0,
    ),
    Target(
        "17b", "the same, bone (spine)", GRAFT, excess("graft", "sham", "spine"), "points", "up (no number)", 0.0,
        math.inf, "fitted", margin=2.0,
    ),
    Target(
        "17c", "the same, bone (spine) after 60 d", GRAFT, excess("graft", "sham", "spine", 60.0), "points",
        "up (no number)", 0.0, math.inf, "fitted", "Farr 2023 put the cells into the belly, not into skin.", margin=2.0,
    ),
    Target(
        "17d", "the same, hippocampus, 5 months", GRAFT, excess("graft", "sham", "hippocampus"), "points",
        "up (no number)", 0.0, math.inf, "fitted", margin=2.0,
    ),
    Target(
        "17e", "host skin less the mean of the four organs far away, above the sham graft", GRAFT,
        nearer("graft", "sham", "skin", FAR), "points", "near before far", 0.0, math.inf, "fitted", margin=2.0,
    ),
    Target(
        "17f", "grafted cells that are still there after 40 d", GRAFT, graft_left("graft", 40.0), "% of them",
        "still visible", 1.0, math.inf, "fitted",
        "Three in ten of them evade immune cells, by choice; the others go by the removal of the preset.", own=True,
    ),
    Target(
        "18a", "0, 0.2, 0.5, 1 million senescent cells in young mice: rank test of the burden of muscle", DOSES,
        trend(("young_control", "young_200k", "young_500k", "young_1M"), "muscle"), "p", "in the order of the dose",
        -math.inf, 0.05, "fitted", "Page's test, mice as blocks. Only the order is claimed: " + CHOSEN,
    ),
    Target(
        "18b", "a million healthy cells against none: muscle", DOSES, excess("young_control", "young_none", "muscle"),
        "points", "no effect", -0.05, 0.05, "echo", "Healthy cells secrete nothing: that was put in.", own=True,
    ),
    Target(
        "18c", "half a million cells in old mice less a million in young ones: what they add to muscle", DOSES,
        older_needs_fewer(("old_500k", "old_none"), ("young_1M", "young_none"), "muscle"), "points",
        "older hosts need fewer", 0.0, math.inf, "fitted",
        "Where removal is saturated, what is added stays longer. But it hangs on the set: with the drift of "
        "skin_graft.yaml, under which old hosts fill up by themselves, young hosts suffer more from twice the dose.",
        margin=2.0,
    ),
    Target(
        "23a", "skin graft: burden far away, untreated less topical senolytic", GRAFT, above("graft", "topical", FAR),
        "points", "local treatment helps", 0.0, math.inf, "predicted",
        "Farr 2023 treated one bone, here it is the skin. Doses and kills are those of the library, assumed.",
        margin=2.0,
    ),
    Target(
        "23b", "skin graft: burden far away, topical less systemic senolytic", GRAFT, above("topical", "systemic", FAR),
        "points", "systemic helps more", 0.0, math.inf, "predicted", margin=2.0,
    ),
]  # fmt: skip

ORGANISM: tuple[Target, ...] = tuple(_graft)
