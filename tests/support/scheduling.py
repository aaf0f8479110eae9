"""Which tests stay together on one worker of pytest-xdist: those of a file, or of one notebook in a file.

They share fixtures that are expensive to make. (`--dist loadgroup` of pytest-xdist 3.8 has no effect under pytest 9.2:
it writes the group into a node's id, and pytest does not read it back.)
"""

import re

from xdist.scheduler import LoadScopeScheduling

NOTEBOOK = re.compile(r"\[(\w+\.ipynb)\b")


class GroupScheduling(LoadScopeScheduling):
    """Hands out tests group by group, in the order in which they were collected."""

    def __init__(self, config, log=None):
        super().__init__(config, log)
        config.option.loadscopereorder = False

    def _split_scope(self, nodeid):
        file = nodeid.partition("::")[0]
        notebook = NOTEBOOK.search(nodeid)
        return f"{file} {notebook[1]}" if notebook else file
