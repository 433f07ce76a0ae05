"""What all tissues of a body have in common: drugs, blood, and immune cells that circulate."""
