"""Transforms in the plane, and what a step does to modes between them."""
