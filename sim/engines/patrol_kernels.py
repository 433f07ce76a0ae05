"""The compiled walk of patrols: one after the other in order of their serials, each until its clock passes the step."""
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from sim.compiling import inlined, kernel
from sim.engines.fates import level_at
from sim.rng import chance_and_way, uniform
from sim.rules.clearance import jamming
from sim.rules.patrol import kill_chance, new_direction, turning_chance, unit_vector
from sim.tissue.acting import IMMUNE, UNJAM
from sim.tissue.geometry import voxel_of
from sim.tissue.parameters import JAM_HALF
from sim.tissue.patrols import EXHAUSTED, WORKING
from sim.tissue.state import EVADES_IMMUNITY, SENESCENT
from sim.tissue.walks import CLAIMED, FREE, HELD, first_met, path_to_wall, rising, wrapped


@kernel
def patrol_kernel(rows, t_end, law, space, bins, keys, state, since, cell_type, refractory, held, levels, factors, sites,
                  layer, modifiers, immunity, claimed):  # fmt: skip
    """Walk all `rows` until their clocks pass `t_end`; the sites that they kill into `claimed`; returns their number."""
    count = 0
    if law.speed == 0.0:
        return count
    for i in range(rows.size):
        one = rows[i]
        end = min(t_end, one.leaves, one.ages)
        while one.idle == WORKING and one.clock < end:
            if one.target < 0:
                _move(one, law, space, bins, keys, state, since, held, levels)
                continue
            site = one.target
            one.target = -1
            held[site] = FREE
            if state[site] != SENESCENT or since[site] != one.target_since or refractory[site] & EVADES_IMMUNITY != 0:
                continue  # another cell by now, or one that it cannot kill
            acts = modifiers[layer[site] if layer.size > 1 else 0, cell_type[site]]
            jam = _jam(site, levels, factors, sites, acts[UNJAM])
            u = uniform(one.serial, one.attachments, keys.kill, keys.replicate, keys.k0, keys.k1)
            if u < kill_chance(law.probability, immunity * acts[IMMUNE], jam):
                held[site] = CLAIMED
                claimed[count] = site
                count += 1
                _rest(one, law)
    return count


@inlined
def _move(one, law, space, bins, keys, state, since, held, levels):
    """One straight piece: of one cell spacing, or to a wall, or to the first cell that it finds."""
    _turn(one, law, space, keys, levels)
    one.moves += 1
    x, y, z, dx, dy, dz = one.x, one.y, one.z, one.dx, one.dy, one.dz
    piece, wall = path_to_wall(x, y, z, dx, dy, dz, space)
    if piece > law.piece:
        piece, wall = law.piece, 3
    site, path = first_met(x, y, z, dx, dy, dz, piece, law.reach, space, bins, state, held)
    one.x = wrapped(x + dx * path, space.lx, space.px)
    one.y = wrapped(y + dy * path, space.ly, space.py)
    one.z = wrapped(z + dz * path, space.lz, space.pz)
    one.walked = path
    one.clock += path / law.speed
    if site >= 0:
        held[site] = HELD
        one.target, one.target_since = site, since[site]
        one.attachments += 1
        one.clock += law.attachment
        one.busy_until = one.clock
    elif wall == 0:
        one.x, one.dx = (space.lx if dx > 0.0 else 0.0), -dx
    elif wall == 1:
        one.y, one.dy = (space.ly if dy > 0.0 else 0.0), -dy
    elif wall == 2:
        one.z, one.dz = (space.lz if dz > 0.0 else 0.0), -dz


@inlined
def _turn(one, law, space, keys, levels):
    """Take a new direction, or keep the old one."""
    likely = law.turning if one.walked == law.piece else turning_chance(one.walked, law.speed, law.persistence)
    if likely == 0.0:
        return
    u, x, y = chance_and_way(one.serial, one.moves, keys.walk, keys.replicate, keys.k0, keys.k1)
    if u >= likely:
        return
    dx, dy, dz = unit_vector(x, y, space.dimension)
    if law.bias > 0.0 and law.follows >= 0:
        up_x, up_y, up_z = rising(one.x, one.y, one.z, law.follows, levels, space)
        dx, dy, dz = new_direction(dx, dy, dz, up_x, up_y, up_z, law.bias)
    one.dx, one.dy, one.dz = dx, dy, dz


@inlined
def _rest(one, law):
    """After a kill; the last one that it has strength for makes it idle."""
    one.kills += 1
    one.clock += law.rest
    one.busy_until = one.clock
    if one.kills >= law.exhausts_after:
        one.idle = EXHAUSTED


@inlined
def _jam(site, levels, factors, sites, unjam):
    """Share of killing that factors leave at a site."""
    share, voxel = 1.0, voxel_of(site, sites)
    for f in range(factors.shape[0]):
        if factors[f, JAM_HALF] > 0.0:
            share *= jamming(level_at(site, voxel, f, levels, factors) * unjam, factors[f, JAM_HALF])
    return share
