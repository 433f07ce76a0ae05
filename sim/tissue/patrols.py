"""The patrols of one tissue as rows of arrays: who is there, who enters and who leaves; engines walk them.

What happens to a patrol depends on its serial and its own counts of turns and attachments, never on the step.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from sim.errors import ScenarioError
from sim.rng import Purpose, Stream, chance_and_way, name_code
from sim.rules.patrol import keeping_chance, recruitment_rate, unit_vector
from sim.scenario.causes import PATROLS
from sim.scenario.patrol import Patrol
from sim.scenario.tissue import Tissue
from sim.tissue.geometry import Geometry
from sim.tissue.keeping import CodeMap, State
from sim.tissue.pool import Pool
from sim.tissue.walks import CLAIMED, FREE, HELD, walking_space

WORKING, EXHAUSTED, SENESCENT = 0, 1, 2  # `idle`
ROW = np.dtype(
    [
        ("serial", np.uint32),  # address of its luck; never reused
        ("idle", np.uint8),  # 0 working, 1 exhausted, 2 senescent itself
        ("x", float), ("y", float), ("z", float),  # place [um]
        ("dx", float), ("dy", float), ("dz", float),  # direction, of length 1
        ("clock", float),  # its own time, that of the place: when its next move begins [d]
        ("walked", float),  # length of its last piece [um]
        ("luck", float),  # it turns where this is above the chance to keep its direction
        ("busy_until", float),  # end of its last attachment and rest [d]
        ("leaves", float), ("ages", float),  # when it leaves, when it turns senescent itself [d]
        ("moves", np.int64), ("turns", np.int64), ("attachments", np.int64), ("kills", np.int64),  # so far
        ("target", np.int64),  # site that it is attached to, -1: none
        ("target_since", float),  # `since` of the cell there, by which it knows it again
    ]
)  # fmt: skip
ENTRY, OFFSET, LEAVING, AGEING, WAITING, WAY = 0, 1, 4, 5, 6, 7  # draws of RECRUIT; three offsets; WAY goes on
KILL = 255  # draw of PATROL; directions begin with 0
APART = 2**20  # serials of one kind that no other kind of the tissue may have


class Law(NamedTuple):
    """What a kind of patrol does, as plain numbers."""

    speed: float  # [um/d]
    piece: float  # longest straight piece of a move [um]
    lasting: float  # time of a whole piece [d]
    persistence: float  # [d]
    keeping: float  # chance to keep the direction after a whole piece
    bias: float
    reach: float  # [um]
    attachment: float  # [d]
    probability: float  # of a kill
    rest: float  # [d]
    exhausts_after: float  # kills; infinite: never
    follows: int  # row of the levels, -1: none


def _law(patrol: Patrol, piece: float, follows: int) -> Law:
    moves = patrol.speed > 0.0
    return Law(
        speed=patrol.speed,
        piece=piece,
        lasting=piece / patrol.speed if moves else math.inf,
        persistence=patrol.persistence_time,
        keeping=keeping_chance(piece, patrol.speed, patrol.persistence_time) if moves else 1.0,
        bias=patrol.migration_bias,
        reach=patrol.reach,
        attachment=patrol.attachment_time,
        probability=patrol.kill_probability,
        rest=patrol.rest_time,
        exhausts_after=float(patrol.exhausts_after or math.inf),
        follows=follows,
    )


class Keys(NamedTuple):
    """The address of all numbers of a walk but for the serial and the count."""

    walk: int
    kill: int
    replicate: int
    k0: int
    k1: int


class Troop:
    """The patrols of one kind.

    Attributes
    ----------
    rows : (n,) array of ROW
        In order of their serials.
    born, kills_of_gone : int
        Patrols so far, and kills of those that left.
    pool : Pool or None
        Where they come from and return to, if they circulate.
    stands_for : float
        Cells of the organ for which one patrol of the patch stands.
    """

    def __init__(
        self, name: str, patrol: Patrol, geometry: Geometry, stream: Stream, follows: int, by_site: bool
    ) -> None:
        self.name, self._patrol, self._geometry, self._stream = name, patrol, geometry, stream
        exists = geometry.exists
        self._sites = None if exists is None else np.flatnonzero(exists)
        self._n_sites = geometry.n_sites if self._sites is None else self._sites.size
        self.law = _law(patrol, geometry.spacing, follows)
        self.space, self.bins = walking_space(geometry)
        if by_site:  # what it follows is known per cell, not per voxel
            cells = {"vx": self.space.nx, "vy": self.space.ny, "vz": self.space.nz}
            self.space = self.space._replace(voxel=self.space.spacing, **cells)
        walk, kill = (stream.c2(Purpose.PATROL, draw) for draw in (0, KILL))
        self.keys = Keys(walk, kill, stream.replicate, stream.k0, stream.k1)
        self.rows, self.born, self.kills_of_gone = np.zeros(0, ROW), 0, 0
        self.pool: Pool | None = None
        self.circulates, self.stands_for = patrol.circulates, 1.0
        self._intensity = 0.0  # expected number of recruits so far
        self._enter([0.0] * int(patrol.density / 100.0 * self._n_sites + 0.5))
        self._due = self._waiting(self.born)

    # ------------------------------------------------------------------------------------------------ who enters

    def recruit(self, t: float, dt: float, level: float) -> None:
        """Those who enter in [t, t + dt), at the mean `level` of what calls them: a Poisson process, at exact times.

        Of a pool in the blood the share counts that it has at `t`; whom it cannot spare waits, and is the next.
        """
        call = self._patrol.recruitment
        if call is None:
            return
        per_100 = recruitment_rate(level, call.basal, call.max_rate, call.half_max, call.power)
        rate, times = per_100 / 100.0 * self._n_sites, []
        if self.pool is not None:
            rate *= self.pool.share
        end = self._intensity + rate * dt
        while self._due < end:
            time = t + (self._due - self._intensity) / rate
            if self.pool is not None and not self.pool.take(self.stands_for, time):
                end = self._due
                break
            times.append(time)
            self._due += self._waiting(self.born + len(times))
        self._intensity = end
        self._enter(times)

    def _addresses(self, first: int, n: int) -> np.ndarray:
        """Addresses of the luck of `n` patrols; each kind begins where its name says."""
        return ((name_code(self.name) + first + np.arange(n, dtype=np.int64)) % 2**32).astype(np.uint32)

    def _draws(self, serials: np.ndarray, draw: int) -> np.ndarray:
        return self._stream.uniforms(Purpose.RECRUIT, 0, serials, draw)

    def _waiting(self, number: int) -> float:
        """Expected number of recruits from the one before to patrol `number`."""
        return -math.log1p(-float(self._draws(self._addresses(number, 1), WAITING)[0]))

    def _enter(self, times: list[float]) -> None:
        """New patrols at these times, anywhere in the cells that exist, in any direction."""
        if not times:
            return
        rows = np.zeros(len(times), ROW)
        serials = rows["serial"] = self._addresses(self.born, len(times))
        rows["clock"] = rows["busy_until"] = times
        rows["target"] = -1
        for axis, column in zip("xyz", self._places(serials), strict=True):
            rows[axis] = column
        stream, way = self._stream, self._stream.c2(Purpose.RECRUIT, WAY)
        for row, serial in zip(rows, serials.tolist(), strict=True):
            _, x, y = chance_and_way(serial, 0, way, stream.replicate, stream.k0, stream.k1)
            row["luck"], _, _ = chance_and_way(serial, 0, *self.keys[:1], *self.keys[2:])
            row["dx"], row["dy"], row["dz"] = unit_vector(x, y, self.space.dimension)
        rows["leaves"] = times + self._lives(serials, LEAVING, self._patrol.lifespan)
        rate = self._patrol.senescence_rate
        rows["ages"] = times + self._lives(serials, AGEING, 1.0 / rate if rate > 0.0 else math.inf)
        self.rows = np.concatenate([self.rows, rows])
        self.born += len(times)

    def _lives(self, serials: np.ndarray, draw: int, mean: float) -> np.ndarray:
        if math.isinf(mean):
            return np.full(serials.size, math.inf)
        return np.array([-math.log1p(-u) * mean for u in self._draws(serials, draw).tolist()])

    def _places(self, serials: np.ndarray) -> list[np.ndarray]:
        """Coordinates x, y, z: in a cell at random, anywhere in the square or cube that it has."""
        geometry = self._geometry
        site = (self._draws(serials, ENTRY) * self._n_sites).astype(np.int64)
        site = site if self._sites is None else self._sites[site]
        if geometry.points is not None:
            centres = list(geometry.points[site].T)
        else:
            assert geometry.shape is not None
            centres = [(i + 0.5) * geometry.spacing for i in np.unravel_index(site, geometry.shape)[::-1]]
        found = []
        for axis, (centre, length) in enumerate(zip(centres, geometry.extent[::-1], strict=True)):
            offset = (self._draws(serials, OFFSET + axis) - 0.5) * geometry.spacing
            found.append(np.clip(centre + offset, 0.0, length))
        flat = 0.5 * geometry.spacing if geometry.points is None else 0.0
        return found if len(found) == 3 else [*found, np.full(site.size, flat)]

    # ------------------------------------------------------------------------------------------------ who leaves

    def retire(self, t_end: float, held: np.ndarray) -> None:
        """Those whose time came before `t_end` turn senescent or leave, and let go of what they held.

        Who leaves while it still works returns to the pool.
        """
        rows = self.rows
        gone = rows["leaves"] < t_end
        if self.pool is not None:
            returns = gone & (rows["idle"] == WORKING) & (rows["leaves"] <= rows["ages"])
            for day in rows["leaves"][returns].tolist():
                self.pool.give_back(self.stands_for, day)
        rows["idle"][(rows["ages"] < t_end) & (rows["idle"] == WORKING)] = SENESCENT
        letting = (rows["target"] >= 0) & (gone | (rows["idle"] != WORKING))
        held[rows["target"][letting]] = FREE
        rows["target"][letting] = -1
        self.kills_of_gone += int(rows["kills"][gone].sum())
        self.rows = rows[~gone]

    # ------------------------------------------------------------------------------------------------- questions

    @property
    def kills(self) -> int:
        """Cells that they killed, also those that left since."""
        return int(self.rows["kills"].sum()) + self.kills_of_gone

    def columns(self, day: float) -> dict[str, float]:
        """How many are there and work, the share of those that is attached or rests, kills, how full their pool is."""
        working = self.rows["idle"] == WORKING
        busy = working & (self.rows["busy_until"] > day)
        in_blood = {} if self.pool is None else {f"pool_{self.name}": self.pool.percent}
        return {
            f"n_patrol_{self.name}": self.rows.size,
            f"working_{self.name}": int(np.count_nonzero(working)),
            f"busy_{self.name}": float(np.count_nonzero(busy)) / max(1, int(np.count_nonzero(working))),
            f"kills_{self.name}": self.kills,
            **in_blood,
        }

    def state(self) -> State:
        """All rows, and what recruitment goes on from."""
        counts = {"born": np.array(self.born), "kills_of_gone": np.array(self.kills_of_gone)}
        call = np.array([self._intensity, self._due])
        return {"rows": {name: self.rows[name].copy() for name in ROW.names or ()}, "recruitment": call, **counts}

    def restore(self, state: State) -> None:
        """Continue from `state`, bit for bit."""
        columns = state["rows"]
        self.rows = np.zeros(columns["serial"].size, ROW)
        for name, column in columns.items():
            self.rows[name] = column
        self._intensity, self._due = state["recruitment"].tolist()
        self.born, self.kills_of_gone = int(state["born"]), int(state["kills_of_gone"])


class Patrols:
    """All patrols of one tissue, and what they do to its sites.

    Attributes
    ----------
    troops : list of Troop
        By kind; within a step earlier kinds, and in a kind lower serials, come first.
    held : (n,) uint8 array
        FREE, HELD or CLAIMED, by site.

    Parameters
    ----------
    fields : dict of (int, bool)
        Row of the levels of each factor, and whether it is known per site instead of per voxel.

    Raises
    ------
    ScenarioError
        If two kinds would share their luck.
    """

    def __init__(self, tissue: Tissue, geometry: Geometry, stream: Stream, fields: dict[str, tuple[int, bool]]) -> None:
        codes = sorted((name_code(name), name) for name in tissue.patrols)
        for (low, one), (high, other) in pairwise(codes):
            if high - low < APART:
                raise ScenarioError(f"patrols: {one!r} and {other!r} would share random numbers, rename one")
        self.troops = []
        for name, patrol in tissue.patrols.items():
            lead = fields.get(patrol.follows or "", (-1, False))
            self.troops.append(Troop(name, patrol, geometry, stream, *lead))
        self.held = np.zeros(geometry.n_sites if self.troops else 0, np.uint8)
        self._claimed = np.zeros(0, np.int64)

    def claim(self, sites: np.ndarray) -> None:
        """These cells were killed; they go at the end of the step."""
        self._claimed = np.concatenate([self._claimed, sites])

    def retire(self, t_end: float) -> None:
        """Those whose time came before `t_end` turn senescent or leave."""
        for troop in self.troops:
            troop.retire(t_end, self.held)

    def merge(self, sites: np.ndarray, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """What was decided, in site order, with kills in place of what claimed cells would have done."""
        if self._claimed.size == 0:
            return sites, codes
        keep = self.held[sites] != CLAIMED
        where = np.concatenate([sites[keep], self._claimed])
        order = np.argsort(where)
        why = np.concatenate([codes[keep], np.full(self._claimed.size, PATROLS, codes.dtype)])
        self.held[self._claimed] = FREE
        self._claimed = np.zeros(0, np.int64)
        return where[order], why[order]

    def columns(self, day: float) -> dict[str, Any]:
        """Columns of the time series."""
        return {name: value for troop in self.troops for name, value in troop.columns(day).items()}

    def state(self) -> State:
        """Copies of all that the next steps depend on."""
        return {troop.name: troop.state() for troop in self.troops}

    def restore(self, state: State, codes: CodeMap) -> None:
        """Continue from `state`, bit for bit."""
        self.held[:] = FREE
        for troop in self.troops:
            troop.restore(state[troop.name])
            target = troop.rows["target"]
            self.held[target[target >= 0]] = HELD
