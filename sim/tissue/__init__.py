"""Tissues: where cells are, what they are, what they give off, and what happens to them from outside."""
