"""The report: a results folder as one page to hand on."""
