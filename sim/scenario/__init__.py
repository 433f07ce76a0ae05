"""Scenario files: the schema, the loader, the library of presets, and the ledger of every parameter."""
