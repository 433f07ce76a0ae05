"""Experiments: arms x replicates to tables, in this process or in others."""
