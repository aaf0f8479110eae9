"""Interrupts a call at a chosen moment, as the Stop button of a notebook does.

Python looks for an interrupt when a function begins and when a function of C has returned. `sys.setprofile` reports both,
so an interrupt that is raised there comes where a real one could.
"""

import sys

MOMENTS = ("call", "c_return")


def moments_of(call):
    """Returns where each moment of a call is at which an interrupt could come: a list of file names."""
    files = []

    def note(frame, event, _argument):
        if event in MOMENTS:
            files.append(frame.f_code.co_filename)

    sys.setprofile(note)
    try:
        call()
    finally:
        sys.setprofile(None)
    return files


def interrupt(call, moment):
    """Calls `call` and interrupts it at the moment with this number, counted from 0. Returns its result, if it has one."""
    count = -1

    def stop(_frame, event, _argument):
        nonlocal count
        count += event in MOMENTS
        if count == moment:
            count += 1
            sys.setprofile(None)
            raise KeyboardInterrupt

    sys.setprofile(stop)
    try:
        return call()
    except KeyboardInterrupt:
        return None
    finally:
        sys.setprofile(None)


def some_moments(files, most_in, count):
    """Returns the numbers of some moments: `count` in files whose names end as in `most_in`, and a third as many others."""
    near = [i for i, file in enumerate(files) if file.endswith(most_in)]
    rest = sorted(set(range(len(files))) - set(near))
    return sorted(near[:: 1 + len(near) // count] + rest[:: 1 + 3 * len(rest) // count])
