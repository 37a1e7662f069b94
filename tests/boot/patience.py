"""How long the scenarios wait: the one place that says how slow a machine may be."""

# A machine may be so many times slower than that of the README, where a node takes 217 to 307 s from power to `ready`.
SLOWER = 3

# Seconds that anything may take on the README's machine, which has two cores for all.
PATIENCE = 600


def patient(seconds: int) -> int:
    """Seconds on the README's machine, as many as the slowest one needs."""
    return seconds * SLOWER
