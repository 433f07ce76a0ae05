"""Stored maps: the codes of states, and which maps may be compared site by site."""

from __future__ import annotations

from sim.results import Results

HEALTHY, SENESCENT, CLEARED, SCARRED, ABSENT = range(5)  # codes of the layer `state`


def places_known(results: Results, tissue: str, replicate: int) -> bool:
    """Whether the table of sites is about this replicate: not where cells are packed anew in each."""
    cloud = ((results.scenario.get("tissues") or {}).get(tissue) or {}).get("cloud") or {}
    return replicate == 0 or cloud.get("packing") is None


def shared_replicates(results: Results, arm: str, baseline: str, tissue: str, layer: str = "state") -> list[int]:
    """Replicates with maps of a layer in both arms; of cells packed anew in each replicate, the first only."""
    kept = set(results.map_keys)
    both = [r for a, r, t in results.map_keys if a == arm and t == tissue and (baseline, r, tissue) in kept]
    both = [r for r in sorted(both) if places_known(results, tissue, r)]
    has_layer = all(layer in results.maps(each, both[0], tissue) for each in (arm, baseline)) if both else False
    return both if has_layer else []
