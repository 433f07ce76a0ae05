"""Which arm is which channel of spread, and the stored maps of its tissues, read alike for all arms."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from sim.analysis.patterns import lattice_reach
from sim.analysis.sections import RINGS, Ground, Ruler, ground_of
from sim.analysis.stored_maps import HEALTHY, SENESCENT, places_known
from sim.errors import ResultsError
from sim.results import Results
from sim.scenario.causes import event_names
from sim.scenario.event import Event
from sim.scenario.load import Scenario, from_dict
from sim.scenario.places import extent_of, front_centre, tissue_of, walls_of
from sim.scenario.response import Response
from sim.scenario.schema import Settings

CHANNELS = {(False, False): "neither", (True, False): "sasp", (False, True): "drift", (True, True): "both"}
BLOCKS = {"inhibit_secretion": "release", "block_uptake": "uptake"}  # of vesicles, by the kind of effect


class Map(NamedTuple):
    """One stored map of a tissue, site by site as flat arrays."""

    arm: str
    replicate: int
    day: float
    there: npt.NDArray[np.bool_]
    senescent: npt.NDArray[np.bool_]
    induced: npt.NDArray[np.bool_] | None  # by a factor; nothing where the cause was not kept
    role: npt.NDArray[np.int64] | None  # see `sim.analysis.sections`; nothing where the type was not kept


class Channels(NamedTuple):
    """Arms of an experiment by channel, and how the sections of its tissues are measured.

    Attributes
    ----------
    scenario : Scenario
    arms : dict
        Channel (neither, sasp, drift, both) to the first untreated arm that has it.
    blocked : dict
        (channel, "release" or "uptake") to the arm that is like it but for a drug that blocks this of the vesicles.
    tissue : str
        With the lesion.
    distant : tuple of str
        All other tissues.
    ruler : Ruler
    """

    scenario: Scenario
    arms: dict[str, str]
    blocked: dict[tuple[str, str], str]
    tissue: str
    distant: tuple[str, ...]
    ruler: Ruler


def channels_of(results: Results, what: str = "channels") -> Channels:
    """Arms by channel; ResultsError, which begins with `what`, unless two channels and a lesion are there."""
    scenario = from_dict(results.scenario)
    untreated = {arm: each for arm, each in scenario.arms.items() if arm in results.arms and not each.treatments}
    arms: dict[str, str] = {}
    for arm, settings in untreated.items():
        arms.setdefault(channel(settings), arm)
    if len(arms) < 2:
        raise ResultsError(f"{what}: arms: must have two channels or more of {', '.join(CHANNELS.values())}, "
                           f"got {', '.join(arms) or 'none'}")  # fmt: skip
    arms = {name: arms[name] for name in CHANNELS.values() if name in arms}
    blocked = {
        (name, block): treated
        for name, arm in arms.items()
        for treated in results.arms
        if scenario.arms[treated].treatments and _host(scenario.arms[treated]) == _host(scenario.arms[arm])
        for block in _blocks(scenario.arms[treated])
    }
    tissue, lesion = _lesion(next(iter(untreated.values())), what)
    others = tuple(name for name in results.tissues if name != tissue)
    return Channels(scenario, arms, blocked, tissue, others, _ruler(scenario, arms, tissue, lesion, what))


def channel(settings: Settings) -> str:
    """Neither, sasp, drift or both: what can turn a cell in this arm, by the level of a factor or by its cargo."""
    factors = settings.factors.values()
    broad = any(each.induction is not None and _responds(each.induction) for each in factors)
    targeted = any(
        each.cargo is not None and _responds(each.cargo.response) and max(each.uptake.values()) > 0 for each in factors
    )
    return CHANNELS[broad, targeted]


def _host(settings: Settings) -> str:
    """All of an arm but its drugs."""
    return repr(settings.model_dump(exclude={"drugs", "treatments"}))


def _responds(response: Response) -> bool:
    if response.hill is not None:
        return response.hill.max_rate > 0
    kind = response.linear or response.poisson_tail
    return kind is not None and kind.rate > 0


def _blocks(settings: Settings) -> Iterator[str]:
    """What its drugs block of a factor that is taken up as cargo."""
    vesicles = {name for name, factor in settings.factors.items() if factor.cargo is not None}
    for treatment in settings.treatments.values():
        for effect in settings.drugs[treatment.drug].effects.values():
            if effect.kind in BLOCKS and vesicles & set(effect.factors or settings.factors):
                yield BLOCKS[effect.kind]


def _lesion(settings: Settings, what: str) -> tuple[str, Event]:
    for event in settings.events.values():
        if event.senescent and event.n_cells is None:
            return tissue_of(event, settings), event
    raise ResultsError(f"{what}: lesion: must be a graft of senescent cells with a radius, got none")


def _ruler(scenario: Scenario, arms: dict[str, str], name: str, lesion: Event, what: str) -> Ruler:
    tissue = scenario.common.tissues[name]
    if tissue.shape is None:
        raise ResultsError(f"{what}: tissues.{name}: must be a lattice, got a cloud")
    vesicles = [each for arm in arms.values() for each in scenario.arms[arm].factors.values() if each.cargo is not None]
    affinity = {kind: max((each.uptake.get(kind, 0.0) for each in vesicles), default=0.0) for kind in tissue.cell_types}
    most, least = max(affinity.values()), min(affinity.values())
    apart = most > least
    return Ruler(
        lesion.radius,
        tuple(end * tissue.cell_spacing for end in RINGS),
        lattice_reach(tissue),
        tuple(kind for kind, each in affinity.items() if apart and each == most),
        tuple(kind for kind, each in affinity.items() if apart and each == least),
    )


def kept_days(results: Results, tissue: str, what: str = "channels") -> list[float]:
    """Days on which maps of the state of a tissue were kept; ResultsError where there are none."""
    for arm, replicate, name in results.map_keys:
        if name == tissue and "state" in (maps := results.maps(arm, replicate, name)):
            return [float(day) for day in maps["days"]]
    raise ResultsError(f"{what}: maps: must be kept of the state of {tissue}, got none")


def tissue_ground(results: Results, scenario: Scenario, name: str, ruler: Ruler) -> tuple[Ground, npt.NDArray[Any]]:
    """Rings and neighbours of the sites of a lattice, and where each stands in a flat map."""
    tissue = scenario.common.tissues[name]
    table = results.sites[results.sites["tissue"] == name].sort_values("site")
    lengths = extent_of(tissue)
    points = table[["x", "y", "z"]].to_numpy(np.float64)[:, : len(lengths)]
    flags = [wall == "periodic" for wall in walls_of(tissue)[::-1]]
    centre = np.array(front_centre(scenario.common, name))
    ground = ground_of(points, centre, ruler, lengths, flags)
    return ground, table["site"].to_numpy()


def maps_of(
    results: Results, scenario: Scenario, name: str, ruler: Ruler, sites: npt.NDArray[Any], arms: Sequence[str],
    days: Sequence[float],
) -> Iterator[Map]:  # fmt: skip
    """The maps of tissue `name` in some arms, on some days."""
    for arm, replicate, kept in results.map_keys:
        if arm not in arms or kept != name or not places_known(results, name, replicate):
            continue
        layers = results.maps(arm, replicate, kept)
        settings = scenario.arms[arm]
        codes = _induced_codes(settings)
        roles = np.array([ruler.role(kind) for kind in settings.tissues[name].cell_types])
        for k, day in enumerate(layers["days"].tolist()):
            if "state" not in layers or not any(abs(day - each) < 1e-6 for each in days):
                continue
            state = layers["state"][k].ravel()[sites]
            senescent = state == SENESCENT
            induced = senescent & np.isin(layers["cause"][k].ravel()[sites], codes) if "cause" in layers else None
            role = roles[layers["type"][k].ravel()[sites]] if "type" in layers and ruler.targeted else None
            yield Map(arm, replicate, day, (state == HEALTHY) | senescent, senescent, induced, role)


def _induced_codes(settings: Settings) -> list[int]:
    """Codes of the causes that are factors."""
    wanted = set(induced_causes(settings))
    return [code for code, name in enumerate(event_names(settings)) if name in wanted]


def induced_causes(settings: Settings) -> list[str]:
    """Causes that are factors, by their level or their cargo."""
    return [each for name in settings.factors for each in (name, f"{name}_level", f"{name}_cargo")]
