"""What all tissues of a body have in common: drugs, and later blood."""
