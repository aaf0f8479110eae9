"""The command line, the check of this machine, and the connection of `gptviz lab`."""
