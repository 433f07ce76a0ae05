"""Spatial statistics of cells: of a simulated tissue and of a table of real cells alike.

Pure functions on arrays. Positions are (n, 2) or (n, 3) [um], columns x, y(, z). Space is open unless a `box` (lengths
per axis [um]) and `periodic` (one flag, or one per axis) say otherwise. Neighbours are pairs, (m, 2) whole numbers: of
`sim.spatial.neighbours.pairs_within` a distance, or whatever a tissue says. What the data leave undefined (no marked
cell, values all alike) is NaN; what cannot be meant raises ValueError.
"""
