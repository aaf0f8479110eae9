"""The settings of property tests: none of them fails because the machine is busy."""

from hypothesis import HealthCheck, settings

ANY_MACHINE = settings(derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
