"""What a rule set lets happen to each train of a scene, and the line that is cited for it."""

from __future__ import annotations

from dataclasses import dataclass, field

from weerspoor.capacity.displace.scene import Allowed
from weerspoor.capacity.displace.settings import displace_settings
from weerspoor.capacity.holders import holder_of
from weerspoor.capacity.proposal import Citation
from weerspoor.capacity.rules import Permission, RuleLine, RuleSet
from weerspoor.network.model import Network
from weerspoor.timetable.window import Window

MOVE_OF = {
    "shifted": "shift",
    "held": "hold",
    "rerouted": "reroute",
    "shortened": "shorten",
    "cancelled": "cancel",
}
"""The move of the rules by kind of displacement."""

NOTHING = Allowed(0, 0)


@dataclass
class Rulebook:
    """A rule set applied to the trains of a window.

    Attributes
    ----------
    rules : RuleSet
    window : Window
    network : Network
    by_consent : bool
        Only shifts to which the holder consents.
    forced : frozenset of int
        Trains that a closure forces to move.
    kept : frozenset of int
        Trains that should run whole, for minimum levels of service.
    """

    rules: RuleSet
    window: Window
    network: Network
    by_consent: bool = False
    forced: frozenset[int] = frozenset()
    kept: frozenset[int] = frozenset()
    _known: dict[int, Allowed] = field(default_factory=dict)

    def permission(self, train: int, move: str) -> Permission:
        """Return whether a move of a train is allowed, and by which line."""
        holder = holder_of(self.window.whole, int(self.window.origin[train]), self.network)
        return self.rules.permission(
            move,
            layer=self.window.day.trains.layer[train],
            segment=holder.segment,
            forced_by_closure=train in self.forced,
        )

    def __call__(self, train: int) -> Allowed:
        """Return what may be done to a train."""
        known = self._known.get(train)
        if known is None:
            known = self._known[train] = self._allowed(train)
        return known

    def _allowed(self, train: int) -> Allowed:
        settings, layer = displace_settings().moves, self.window.day.trains.layer[train]
        may = {kind: self.permission(train, move).allowed for kind, move in MOVE_OF.items()}
        if not (may["shifted"] or may["held"]):
            if not self.by_consent or not self.permission(train, "shift_by_consent").allowed:
                return NOTHING
            holder = holder_of(self.window.whole, int(self.window.origin[train]), self.network)
            limit_s = settings.consent_s.get(layer, 0)
            offer_s = self.rules.ranking[holder.segment].counter_offer_s
            return Allowed(0, limit_s if offer_s is None else min(limit_s, offer_s))
        return Allowed(
            settings.earlier_s.get(layer, 0) if may["shifted"] else 0,
            settings.forced_s if train in self.forced else settings.longest_s.get(layer, 0),
            shorten=may["shortened"],
            cancel=may["cancelled"],
            other_tracks=may["rerouted"],
            whole_eur=settings.level_eur if train in self.kept else 0.0,
        )

    def cite(self, train: int, kind: str) -> Permission:
        """Return the permission for what has been done to a train.

        Raises
        ------
        RuntimeError
            If no line allows it: a mistake of the program.
        """
        found = self.permission(train, MOVE_OF[kind])
        if not found.allowed and self.by_consent and kind in ("shifted", "held"):
            found = self.permission(train, "shift_by_consent")
        if not found.allowed:
            raise RuntimeError(f"{self.rules.name} has no line that lets a train be {kind}")
        return found

    @staticmethod
    def citation(line: RuleLine) -> Citation:
        """Return a line as it is cited."""
        return Citation(
            id=line.id, article=line.article, basis=line.basis, certainty=line.certainty, nl=line.nl, en=line.en
        )
