"""What single fields cannot know: names that must exist, places that must lie inside, sizes that must fit."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sim.errors import ScenarioError, did_you_mean
from sim.scenario.causes import (
    BY_DRUGS,
    FIXED,
    FLUCTUATION_LOSS,
    INDUCED,
    INITIAL,
    PATROLS,
    PER_DRUG,
    event_names,
    first_drug,
    first_own,
)
from sim.scenario.cells import IMAGES
from sim.scenario.drug import OTHERS
from sim.scenario.event import READ_BY, Event
from sim.scenario.function import DRIVERS
from sim.scenario.library import spoken_of
from sim.scenario.places import extent_of, n_cells, n_voxels, tissue_of, walls_of
from sim.scenario.schema import Settings
from sim.scenario.tissue import Tissue

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
NAME_RULE = "letters, digits and _, starting with a letter"
MAX_STEPS = 2**32 - 1  # the counter of the random numbers
MAX_CODES = 256  # a cause is one byte per cell
EDGE_STEP = 0.3  # repairs per site and step; above it a wound closes more than a tenth too late (measured)
NEVER_TURN = (FIXED[PATROLS], FIXED[FLUCTUATION_LOSS])
PIGMENT_LAYERS = ("melanin", "activation", "dendrites")
CODES = ("state", "cause", "generation", "type")  # layers of one byte per site
LAYERS = (*CODES, "cargo", "quality", "secondaries", *PIGMENT_LAYERS)


@dataclass(frozen=True)
class Names:
    """Names that some arm has: what one arm leaves out, its common part may still speak of."""

    factors: tuple[str, ...]
    types: tuple[str, ...]
    causes: tuple[str, ...]

    @classmethod
    def of(cls, arms: Iterable[Settings]) -> Names:
        """The names of all `arms`, in the order of the file."""
        arms = tuple(arms)
        return cls(
            factors=_each_once(name for arm in arms for name in arm.factors),
            types=_each_once(name for arm in arms for tissue in arm.tissues.values() for name in tissue.cell_types),
            causes=_each_once(name for arm in arms for name in _causes_of_senescence(arm)),
        )


def _each_once(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))


def _causes_of_senescence(settings: Settings) -> tuple[str, ...]:
    """What may stand in a mapping by cause."""
    names, drugs, own = event_names(settings), first_drug(settings), first_own(settings)
    turning = (name for name in names[INITIAL:drugs] if name not in NEVER_TURN)
    by_own = (name for name, each in settings.own_causes.items() if each.becomes == "senescent")
    return *turning, *names[drugs + INDUCED : own : PER_DRUG], *by_own


def check_settings(settings: Settings, names: Names) -> None:
    """Raise ScenarioError (``key: rule, got value``) at the first thing that cannot be."""
    for group in ("tissues", "factors", "events", "drugs", "treatments", "own_causes", "outcomes", "markers"):
        for name in getattr(settings, group):
            check_name(f"{group}.{name}", name)
            if name == OTHERS:
                raise ScenarioError(f"{group}.{name}: must not be the word for all names left out, got {name!r}")
    if settings.days / settings.dt > MAX_STEPS:
        raise ScenarioError(f"dt: must divide the {settings.days:g} d into at most {MAX_STEPS} steps, "
                            f"got {settings.dt:g} d")  # fmt: skip
    _check_cause_names(settings)
    _check_factor_names(settings, names)
    if len(event_names(settings)) > MAX_CODES:
        raise ScenarioError(f"factors: must leave at most {MAX_CODES} causes, got {len(event_names(settings))}")
    for name, tissue in settings.tissues.items():
        if settings.mode == "tissue":
            _check_tissue(f"tissues.{name}", tissue)
        for cause in tissue.evasion.by_cause:
            known_word(f"tissues.{name}.evasion.by_cause", cause, (*names.causes, OTHERS))
    for name, event in settings.events.items():
        _check_event(f"events.{name}", event, settings)
    _check_markers(settings, names)
    _check_healthy_senders(settings)
    if "secondaries" in settings.record.maps and not settings.record.attribution:
        raise ScenarioError("record.maps: must not hold secondaries without record.attribution: true, got false")
    _check_memory(settings)
    _check_maps(settings)


def _check_healthy_senders(settings: Settings) -> None:
    """Senders and shares are of senescent cells: a cell that a healthy one has turned would be put down to them."""
    giving = [name for name, factor in settings.factors.items() if factor.acts and factor.secretion.healthy > 0.0]
    if giving and (settings.record.attribution or settings.generations == "tracked"):
        key, got = ("record.attribution", "true") if settings.record.attribution else ("generations", "'tracked'")
        raise ScenarioError(f"{key}: must be off where healthy cells give off {giving[0]} too, got {got}")


def is_name(name: str) -> bool:
    """Whether a user may call a thing so: names become columns, file names and parts of dotted paths."""
    return _NAME.fullmatch(name) is not None


def check_name(key: str, name: str) -> None:
    """Raise ScenarioError unless a user may call a thing so."""
    if not is_name(name):
        raise ScenarioError(f"{key}: must be {NAME_RULE}, got {name!r}")


def known_word(key: str, word: str, known: Iterable[str]) -> None:
    """Raise ScenarioError, naming the nearest, unless `word` is one of the `known` ones."""
    known = list(known)
    if word not in known:
        told = f"one of {', '.join(known)}" if known else "left out, for there is none to name"
        raise ScenarioError(f"{key}: must be {told}, got {word!r}{did_you_mean(word, known)}")


def _check_cause_names(settings: Settings) -> None:
    """Every cause has a column of its own: none shares its name with another, nor takes a fixed one."""
    taken = dict.fromkeys(FIXED, "a cause of its own")
    derived: dict[str, tuple[str, ...]]
    derived = {f"factors.{name}": (name, f"{name}_level", f"{name}_cargo") for name in settings.factors}
    derived |= {f"events.{name}": (name,) for name in settings.events}
    derived |= {f"drugs.{name}": tuple(f"{deed}_{name}" for deed in BY_DRUGS) for name in settings.drugs}
    derived |= {f"own_causes.{name}": (name,) for name in settings.own_causes}
    for key, causes in derived.items():
        for cause in causes:
            if cause in taken:
                rule = f"must not share the cause {cause} with {taken[cause]}"
                raise ScenarioError(f"{key}: {rule}, got {key.partition('.')[2]!r}")
        taken.update(dict.fromkeys(causes, key))
    for name, own in settings.own_causes.items():
        for number in own.numbers:
            check_name(f"own_causes.{name}.numbers", number)


def _check_factor_names(settings: Settings, names: Names) -> None:
    for name, factor in settings.factors.items():
        if name in LAYERS:
            raise ScenarioError(f"factors.{name}: must not be the name of a map layer, got {name!r}")
        if name in DRIVERS:
            raise ScenarioError(f"factors.{name}: must not be the name of another driver of functions, got {name!r}")
        for kind in factor.uptake:
            known_word(f"factors.{name}.affinity", kind, names.types)
        for kind in factor.secretion.by_type:
            known_word(f"factors.{name}.secretion.by_type", kind, names.types)
        for cause in factor.secretion.by_cause:
            known_word(f"factors.{name}.secretion.by_cause", cause, names.causes)
        for part, response in (
            ("induction", factor.induction),
            ("cargo.response", factor.cargo and factor.cargo.response),
        ):
            for kind in response.by_type if response else ():
                known_word(f"factors.{name}.{part}.by_type", kind, names.types)


def _check_tissue(key: str, tissue: Tissue) -> None:
    if (tissue.shape is None) == (tissue.cloud is None):
        got = "neither" if tissue.shape is None else "both"
        raise ScenarioError(f"{key}: must have exactly one of shape, cloud, got {got}")
    extent = extent_of(tissue)
    if tissue.shape is not None:
        for n in tissue.shape:
            if n % tissue.voxel_cells:
                raise ScenarioError(
                    f"{key}.voxel_cells: must divide the shape {tissue.shape}, got {tissue.voxel_cells}"
                )
    if isinstance(tissue.boundary, list) and len(tissue.boundary) != len(extent):
        raise ScenarioError(f"{key}.boundary: must have one entry per axis ({len(extent)}), got {tissue.boundary}")
    if len(extent) not in (2, 3):
        raise ScenarioError(f"{key}.cloud.extent: must have 2 or 3 side lengths, got {list(extent)}")
    if tissue.depth_axis == "z" and len(extent) < 3:
        raise ScenarioError(f"{key}.depth_axis: must be y or x in a tissue of two axes, got 'z'")
    _check_reach(f"{key}.repair.reach", tissue)
    positions = tissue.cloud.positions if tissue.cloud else None
    if positions == []:
        raise ScenarioError(f"{key}.cloud.positions: must hold at least one cell, got []")
    for index, place in enumerate(positions or ()):
        _check_place(f"{key}.cloud.positions.{index}", place, extent)
    _check_cells(key, tissue)
    for index, hole in enumerate(tissue.holes):
        _check_place(f"{key}.holes.{index}.at", hole.at, extent)


def _check_cells(key: str, tissue: Tissue) -> None:
    """What a file says of its cells must fit the tissue, and nothing else may say it."""
    if tissue.cloud is None or tissue.cloud.cells is None or tissue.found is None:
        return
    nearest, n, file = tissue.cloud.links.nearest, tissue.found.n_cells, tissue.cloud.cells.file
    if nearest is not None and nearest >= n:
        mask = " (a mask? label it first)" if n == 1 and file.lower().endswith(IMAGES) else ""
        rule = f"must be below the number of cells, {n} in {file}{mask}"
        raise ScenarioError(f"{key}.cloud.links.nearest: {rule}, got {nearest}")
    for kind in tissue.found.types:
        known_word(f"{key}.cloud.cells.found.types", kind, tissue.cell_types)
    if tissue.found.burden is not None and tissue.initial.burden > 0:
        got = f"{tissue.initial.burden:g} %"
        raise ScenarioError(
            f"{key}.initial.burden: must be 0 % where the file of cells tells who is senescent, got {got}"
        )


def _check_reach(key: str, tissue: Tissue) -> None:
    reach = tissue.repair.reach
    if reach > 1 and tissue.cloud is not None:
        raise ScenarioError(f"{key}: must be 1 on a cloud, got {reach}")
    for n, wall in zip(tissue.shape or (), walls_of(tissue), strict=False):
        if wall == "periodic" and reach > 1 and n <= 2 * reach:
            raise ScenarioError(f"{key}: must be below half of every periodic axis ({n} cells), got {reach}")


def _check_place(key: str, place: list[float], extent: tuple[float, ...]) -> None:
    if len(place) != len(extent) or not all(0 <= x <= side for x, side in zip(place, extent, strict=True)):
        box = " x ".join(f"{side:g}" for side in extent)
        raise ScenarioError(f"{key}: must lie inside the tissue of {box} um, got {place}")


def _check_event(key: str, event: Event, settings: Settings) -> None:
    if event.tissue is None and len(settings.tissues) > 1:
        raise ScenarioError(f"{key}.tissue: is required where there are several tissues, got nothing")
    name = tissue_of(event, settings)
    known_word(f"{key}.tissue", name, settings.tissues)
    tissue = settings.tissues[name]
    for field in READ_BY:
        if field in event.model_fields_set and event.kind not in READ_BY[field]:
            got = getattr(event, field)
            raise ScenarioError(f"{key}.{field}: is not read by kind {event.kind}, got {got!r}")
    if event.cell_type is not None:
        known_word(f"{key}.cells", event.cell_type, tissue.cell_types)
    for kind in event.cell_types:
        known_word(f"{key}.cell_types", kind, tissue.cell_types)
    if isinstance(event.at, list):
        _check_place(f"{key}.at", event.at, extent_of(tissue))


def _check_markers(settings: Settings, names: Names) -> None:
    """A marker of the library may speak of cell types that are not here."""
    for name, marker in settings.markers.items():
        for key in ("sensitivity_by_type", "specificity_by_type"):
            for kind in getattr(marker, key):
                if kind not in spoken_of(key):
                    known_word(f"markers.{name}.{key}", kind, names.types)


def estimated_bytes(settings: Settings) -> float:
    """Memory of one run [bytes]: state, what sites give off and read, fields with amplitudes, counts of territories."""
    if settings.mode == "well_mixed":
        return 0.0
    cargo = sum(factor.cargo is not None for factor in settings.factors.values())
    total = 0.0
    for tissue in settings.tissues.values():
        wide = sum(2 if factor.precision == "float64" else 1 for factor in settings.factors.values())
        total += n_cells(tissue) * (40 + 8 * cargo + 8 * wide) + n_voxels(tissue) * 4 * 3 * wide
    return total


def _check_memory(settings: Settings) -> None:
    needed, there = estimated_bytes(settings), available_bytes()
    if needed > there:
        name = max(settings.tissues, key=lambda each: n_cells(settings.tissues[each]))
        tissue = settings.tissues[name]
        part, size = ("shape", tissue.shape) if tissue.shape else ("cloud", extent_of(tissue))
        raise ScenarioError(
            f"tissues.{name}.{part}: must fit into the memory of this machine ({size_in_words(there)} free), "
            f"got {size}, which needs about {size_in_words(needed)}"
        )


def _check_maps(settings: Settings) -> None:
    """Frames must be equally long; maps of all replicates of an arm wait in memory until they are written."""
    if settings.mode == "well_mixed":
        return
    every = settings.record.maps_every
    if every is not None and not math.isclose(every, max(1, round(every / settings.dt)) * settings.dt):
        raise ScenarioError(f"record.maps_every: must be a multiple of dt ({settings.dt:g} d), got {every:g} d")
    per_site = sum(1 if layer in CODES else 4 for layer in settings.record.maps)
    each = per_site * sum(map(n_cells, settings.tissues.values())) * settings.replicates
    needed, there = each * len(settings.map_days), available_bytes()
    if needed > there:
        raise ScenarioError(
            f"record.maps: must fit into the memory of this machine ({size_in_words(there)} free), got "
            f"{len(settings.map_days)} days of maps, which need about {size_in_words(needed)}"
        )


def available_bytes() -> float:
    """Memory that a new run may use [bytes]; unlimited where the machine does not tell."""
    try:
        with open("/proc/meminfo", encoding="ascii") as lines:
            return next(1024.0 * int(line.split()[1]) for line in lines if line.startswith("MemAvailable"))
    except (OSError, StopIteration, ValueError):
        pass
    try:
        return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, OSError, ValueError):
        return math.inf


def size_in_words(count: float) -> str:
    """A number of bytes, ``1.5 GB``."""
    for unit in ("B", "KB", "MB", "GB"):
        if count < 1000:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} TB"


def odd_settings(settings: Settings) -> Iterator[str]:
    """What is legal but odd, one line each."""
    if settings.mode == "well_mixed":
        return  # see sim.scenario.well_mixed
    for name, event in settings.events.items():
        if event.day >= settings.days:
            yield f"events.{name}.day: lies at or beyond the last day ({settings.days:g} d), got {event.day:g} d"
        rate = settings.tissues[tissue_of(event, settings)].repair.rate
        if event.kind == "wound" and rate * settings.dt > EDGE_STEP:
            longest = EDGE_STEP / rate
            yield (f"dt: holds the edge of events.{name} back, which moves one site per step; at most {longest:.2g} d "
                   f"for a repair of {rate:g} 1/d, got {settings.dt:g} d")  # fmt: skip
    for name, factor in settings.factors.items():
        if factor.kernel is not None and factor.transport != "kernel":
            yield f"factors.{name}.kernel: is not used, because transport is {factor.transport}"
    yield from _odd_record(settings)
    yield from _odd_death(settings)
    for name, tissue in settings.tissues.items():
        if tissue.clearance.max_rate > 0 and tissue.clearance.territory < 200:
            got = f"{tissue.clearance.territory:g} um"
            yield f"tissues.{name}.clearance.territory: below 200 um the young state breaks, got {got}"
        voxel = tissue.cell_spacing * tissue.voxel_cells if tissue.shape else 0.0
        for factor_name, factor in settings.factors.items():
            if factor.transport == "diffusion" and factor.own_decay > 0 and factor.length < 2 * voxel:
                key = f"factors.{factor_name}.reach"
                yield f"{key}: is under two voxels of tissue {name} ({voxel:g} um), got {factor.length:g} um"


def _odd_death(settings: Settings) -> Iterator[str]:
    for name, tissue in settings.tissues.items():
        if settings.body.death is not None and tissue.clearance.perforin < 1:
            got = f"got perforin {tissue.clearance.perforin:g} in tissues.{name}"
            who = "a perforin-null host dies of it too soon to be seen old"
            yield f"body.death: belongs to a wild type (Karin 2019); {who}, {got}"


def _odd_record(settings: Settings) -> Iterator[str]:
    turning = [name for name, own in settings.own_causes.items() if own.becomes == "senescent"]
    if settings.record.attribution and turning:
        yield f"record.attribution: knows no senders of cells turned by {', '.join(turning)}, so R_s leaves these out"
    if settings.record.maps and not settings.map_days:
        yield "record.maps: no map is kept, because record.days is empty"
    if settings.record.maps_every is not None and not settings.record.maps:
        yield "record.maps_every: no map is kept, because record.maps names no layer"
    for key in ("days", "checkpoints"):
        for day in getattr(settings.record, key):
            if day > settings.days:
                yield f"record.{key}: lies beyond the last day ({settings.days:g} d), got {day:g} d"
