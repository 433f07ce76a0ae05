"""The fields of all factors of one tissue: from what sites give off to what they read."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sim.fields import Spectral, Transport, WellMixed
from sim.scenario.factor import Factor
from sim.scenario.tissue import Tissue
from sim.tissue.build import build_transport
from sim.tissue.geometry import Geometry
from sim.tissue.voxels import to_sites, to_voxels


class Levels:
    """Sources, transports and levels.

    Attributes
    ----------
    transports : list of Transport
        Of each factor.
    by_site : (F,) bool array
        Whether the field has a place per site, not per voxel.
    field : (F, width) array
        Level of each factor, per voxel or per site.
    seen : (F, n) array
        What each site reads; the same memory where all voxels are cells.
    """

    def __init__(self, factors: Sequence[Factor], tissue: Tissue, geometry: Geometry, dt: float, threads: int) -> None:
        self._geometry, self._threads = geometry, threads
        self.transports: list[Transport] = [build_transport(each, tissue, geometry, dt) for each in factors]
        self.by_site = np.array([each.transport == "kernel" for each in factors], bool)
        n_voxels = int(np.prod(geometry.voxel_shape))
        widths = [geometry.n_sites if at_site else n_voxels for at_site in self.by_site]
        plain = all(isinstance(t, Spectral) and t.field.dtype == np.float32 for t in self.transports)
        self.field = np.zeros((len(factors), max(widths, default=1)), np.float32 if plain else np.float64)
        if plain:  # fields are written where cells read them: less memory to walk through
            for transport, row in zip(self.transports, self.field, strict=True):
                transport.field = row.reshape(transport.field.shape)
        self._copied = not plain
        sites = geometry.sites
        self._same = self.by_site | (sites.is_lattice == 1 and sites.coarse == 1)  # a place of the field is a site
        every = bool(self._same.all())
        self.seen = self.field if every else np.zeros((len(factors), geometry.n_sites), self.field.dtype)
        self._direct = plain and every  # what sites give off is the source
        self.dtypes = [t.field.dtype if isinstance(t, Spectral) else np.dtype(np.float64) for t in self.transports]
        widths = [0] * len(factors) if self._direct else widths
        self._sources = [np.zeros(width, dtype) for width, dtype in zip(widths, self.dtypes, strict=True)]

    def source(self, f: int, given_off: np.ndarray) -> np.ndarray:
        """What factor `f` gains, in the shape that its transport takes, from what sites give off."""
        source, transport = self._sources[f], self.transports[f]
        if self._direct:
            source = given_off
        elif self._same[f]:
            np.copyto(source, given_off)
        else:
            to_voxels(given_off, source, self._geometry, self._threads)
        return source.sum(keepdims=True) if isinstance(transport, WellMixed) else source.reshape(transport.field.shape)

    def show(self, f: int) -> None:
        """Write what cells read of a factor, where its transport does not."""
        field = self.transports[f].field
        if self._copied and field.size == 1:
            self.field[f] = self.seen[f] = field[0]
            return
        if self._copied:
            self.field[f, : field.size] = field.ravel()
        if self.seen is not self.field and self._same[f]:
            self.seen[f] = self.field[f, : field.size]
        elif self.seen is not self.field:
            to_sites(self.field[f, : field.size], self.seen[f], self._geometry, self._threads)

    def of(self, f: int) -> np.ndarray:
        """The field of a factor, flat."""
        return self.field[f, : self._geometry.n_sites if self.by_site[f] else int(np.prod(self._geometry.voxel_shape))]
