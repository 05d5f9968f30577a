"""What is asked of the engine and what it answers: budget, what is fixed, better plans, how a search ended."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from weerspoor.formats.dispatching import Solution


@dataclass(frozen=True)
class Budget:
    """How long to look for better plans: whatever ends first.

    Attributes
    ----------
    seconds : float or None
        Wall time; unbounded if None.
    iterations : int or None
        Steps of the search in all threads together; unbounded if None. With one thread and no bound on the time the
        result depends on nothing but the problem and the seed.
    threads : int
    seed : int
    """

    seconds: float | None = 60.0
    iterations: int | None = None
    threads: int = 2
    seed: int = 0

    def __post_init__(self) -> None:
        if self.seconds is None and self.iterations is None:
            raise ValueError("neither seconds nor iterations bound the search")
        if self.threads < 1 or self.seed < 0 or (self.iterations or 0) < 0 or (self.seconds or 0.0) < 0.0:
            raise ValueError(f"not a budget: {self}")


@dataclass(frozen=True)
class Fixed:
    """What may not change of the plan one starts from.

    Attributes
    ----------
    trains : frozenset of int
        Trains that keep their path as it is.
    before_s : int
        Nothing that any train does before this time may change, and nothing may be added before it.
    """

    trains: frozenset[int] = frozenset()
    before_s: int = 0


@dataclass(frozen=True)
class Better:
    """A plan better than all before: what it costs and how long it took to find."""

    solution: Solution
    seconds: float


class Ending(Enum):
    """How a search ended."""

    FOUND = "found"
    IMPOSSIBLE = "impossible"
    NOTHING = "nothing found"


@dataclass(frozen=True)
class Outcome:
    """The best plan, or why there is none.

    Attributes
    ----------
    ending : Ending
    solution : Solution or None
    reason : str
        Why no plan exists; "" when one was found, or none in time.
    first_s : float
        When the first plan was there.
    steps : int
        Steps of the search, of all threads.
    optimal : bool
        Whether every train is as cheap as it would be by itself, so that nothing better exists.
    """

    ending: Ending
    solution: Solution | None
    reason: str = ""
    first_s: float = 0.0
    steps: int = 0
    optimal: bool = False
