"""Questions to the tables of a run: effects with intervals. Reads `Results`, never the model."""
