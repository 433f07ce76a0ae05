"""Results in the formats of other programs, made from stored maps and tables alone."""
