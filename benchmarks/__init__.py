"""Fixed jobs, timed. What is timed is declared in each job and printed beside its figure."""
