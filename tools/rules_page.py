"""Write the tables of docs/rules.md anew from the rule files: `python -m tools.rules_page`."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from weerspoor.capacity.rules import MOVES, RuleLine, RuleSet, rule_set, rule_set_names
from weerspoor.report.texts import Texts

PAGE = Path(__file__).resolve().parents[1] / "docs" / "rules.md"
BETWEEN = re.compile(r"<!-- ([\w-]+) -->\n.*?<!-- end -->", re.DOTALL)


def page_with_tables(text: str) -> str:
    """Return the page with every table between its marks made anew."""
    return BETWEEN.sub(lambda match: f"<!-- {match[1]} -->\n\n{_table(match[1])}\n\n<!-- end -->", text)


def _table(name: str) -> str:
    if name == "moves":
        return _moves()
    if name == "validity":
        return _validity()
    found = rule_set(name)
    rows = [(line.id, line.article, _does(line), line.basis, line.certainty, line.en) for line in found.lines]
    rows += [(one.id, one.article, "ranks harm only", one.basis, one.certainty, one.en) for one in found.analogies]
    return _rows(("line", "article", "what it does", "basis", "certainty", "in words"), rows)


def _moves() -> str:
    """Return what each set says of each move of a civil train, and of what a closure forces."""
    texts = Texts("en")
    sets = [rule_set(name) for name in rule_set_names()]
    rows = [(texts.word("move", move), *(_answer(found, move) for found in sets)) for move in MOVES]
    forced = [_answer(found, "cancel", forced=True) for found in sets]
    rows.append(("alter a path that a fault or closure makes impossible", *forced))
    return _rows(("move", *(found.name for found in sets)), rows)


def _answer(found: RuleSet, move: str, *, forced: bool = False) -> str:
    answer = found.permission(move, layer="passenger", segment="national", forced_by_closure=forced)
    allowed = "no" if not answer.allowed else "if the holder agrees" if answer.needs_consent else "yes"
    return f"{allowed}: {answer.line.article}"


def _validity() -> str:
    rows = []
    for name in rule_set_names():
        found = rule_set(name)
        since = found.valid_from.isoformat() if found.valid_from else "not known"
        needs = [f"a ground ({', '.join(found.grounds)})"] if found.needs_urgency else []
        needs += ["a recorded legal basis"] if found.needs_legal_basis else []
        needs += [f"the decision of {' and '.join(found.decided_by)}"] if found.decided_by else []
        if found.in_force == "proposal":
            needs.append("adoption: until then every plan is a draft")
        rows.append((name, found.in_force, since, found.validity_certainty, "; ".join(needs) or "nothing"))
    return _rows(("rule set", "in force", "from", "certainty", "what a plan needs to be ready"), rows)


def _does(line: RuleLine) -> str:
    if line.kind != "move":
        return line.kind.replace("_", " ") + (f": {line.compensated}" if line.compensated else "")
    verb = "allows" if line.allows else "forbids"
    what = f"{verb} {', '.join(line.moves)}"
    what += f" in layer {', '.join(line.layers)}" if line.layers else ""
    what += f" of {', '.join(line.segments)}" if line.segments else ""
    what += " where a closure forces it" if line.cause == "closure" else ""
    return what + (", with consent" if line.needs_consent else "")


def _rows(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


if __name__ == "__main__":
    PAGE.write_text(page_with_tables(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    sys.exit(0)
