"""THE BIOLOGY: pure scalar functions, float64 in and float64 out; no clock, no file, no array loop.

Agents call them as plain Python, compiled loops call the same text as machine code (`sim.compiling.rule`). Parameters
are always arguments: a constant in the text could be folded by the compiler and change the last bit.
"""
