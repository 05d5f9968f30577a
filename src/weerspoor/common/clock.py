"""Seconds of the operating day, and clock times at the edges.

An operating day runs from 05:00 to 05:00. Inside the program a time is a number of seconds from 00:00 of the
operating day, so 05:00 is 18 000 and 05:00 of the next day is 104 400; times never wrap.
"""

DAY_S = 86_400
DAY_START_S = 18_000
DAY_END_S = DAY_START_S + DAY_S
STEP_S = 6
"""The step in which planners give times: 0.1 minute."""


def clock(seconds: float, *, with_seconds: bool = True) -> str:
    """Return seconds of the operating day as ``HH:MM:SS``, or ``HH:MM.m`` with tenths of a minute.

    >>> clock(104_430)
    '05:00:30'
    >>> clock(104_430, with_seconds=False)
    '05:00.5'
    """
    whole = round(seconds) % DAY_S
    hours, rest = divmod(whole, 3600)
    minutes, second = divmod(rest, 60)
    if with_seconds:
        return f"{hours:02d}:{minutes:02d}:{second:02d}"
    return f"{hours:02d}:{minutes:02d}.{second // 6}"
