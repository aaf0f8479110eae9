"""Generation: a checked request, the decode loop, and the completion that comes out of it."""
