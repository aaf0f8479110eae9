"""How long a test waits for a thread or a program that should end: long enough for the busiest machine."""

LONGEST_WAIT = 1200  # seconds. No test asserts a time; pytest's own limit of 1,800 seconds ends a test that hangs
