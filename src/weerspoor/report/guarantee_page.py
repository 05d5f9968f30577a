"""The page of a guarantee: one HTML file without scripts, that works offline and prints."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from importlib.resources import files

from weerspoor.capacity.guarantee import result as r
from weerspoor.capacity.guarantee.answer import FEW_PATHS
from weerspoor.capacity.guarantee.settings import guarantee_settings
from weerspoor.common.clock import clock
from weerspoor.report.document import document, margins
from weerspoor.report.guarantee_words import (
    binding_line,
    clock_hour,
    headline,
    hours,
    kind_title,
    notes,
    of_bound,
    percent,
    title,
)
from weerspoor.report.texts import Texts

_PAPER = "@page { size: A4 landscape; }"

HEAT = (0, 1, 2, 5, 10, 20)
"""A cell is of the highest class of which it reaches the number of paths."""


def render_guarantee(result: r.GuaranteeResult, lang: str) -> str:
    """Return the page of a guarantee as one HTML document without any reference outside itself.

    Parameters
    ----------
    result : GuaranteeResult
        What is shown; a shareable version is made by leaving values out of it.
    lang : str
        ``en`` or ``nl``.

    Raises
    ------
    InputError
        If there is no such language.
    """
    texts = Texts(lang)
    style = files("weerspoor.report").joinpath("assets", "weerspoor-guarantee.css").read_text(encoding="utf-8")
    name = f"{title(result.title, result.reference, texts)} – {texts.text('ui.program')}"
    edges = margins(
        result.handling.label, name, f"{texts.text('guarantee.title')} {result.hash}", texts.text("guarantee.page")
    )
    return document(
        lang=lang,
        title=name,
        styles=(("", style), ("", edges), ('media="print"', _PAPER)),
        body=_Page(result, texts).body(),
    )


def _cell(text: object, kind: str = "", tag: str = "td", span: int = 1, title: str = "") -> str:
    attributes = (f' class="{kind}"' if kind else "") + (f' colspan="{span}"' if span > 1 else "")
    attributes += f' title="{html.escape(title)}"' if title else ""
    return f"<{tag}{attributes}>{html.escape(str(text))}</{tag}>"


def _row(cells: Iterable[str], kind: str = "") -> str:
    return f'<tr class="{kind}">{"".join(cells)}</tr>' if kind else f"<tr>{''.join(cells)}</tr>"


def _table(heads: Sequence[tuple[str, str]], rows: Iterable[str], kind: str = "") -> str:
    """Return a table with heads of (text, class)."""
    head = _row(_cell(text, css, "th") for text, css in heads)
    return (
        f'<div class="scroll"><table class="{kind}"><thead>{head}</thead><tbody>{"".join(rows)}</tbody></table></div>'
    )


class _Page:
    """The parts of the page.

    Parameters
    ----------
    result : GuaranteeResult
    texts : Texts
    """

    def __init__(self, result: r.GuaranteeResult, texts: Texts) -> None:
        self.result, self.texts = result, texts

    def say(self, key: str, **values: object) -> str:
        return self.texts.text(f"guarantee.{key}", **values)

    def body(self) -> str:
        parts = (
            self.header(), self.shares(), self.corridors(), self.binding(), self.reserve(), self.levels(),
            self.occupation(), self.assumptions(), self.origins(),
        )  # fmt: skip
        return "\n".join(part for part in parts if part)

    def section(self, key: str, note: str, content: str) -> str:
        said = f'<p class="note">{html.escape(note)}</p>' if note else ""
        return f"<section><h2>{html.escape(self.say(key))}</h2>{said}{content}</section>"

    def header(self) -> str:
        result, texts = self.result, self.texts
        kind = "headline none" if result.outcome != "fits" else "headline"
        said = "".join(f'<p class="warning">{html.escape(note)}</p>' for note in notes(result, texts))
        subtitle = self.say("subtitle", day=f"{result.day} {result.day_date}".strip())
        kinds = "".join(
            f"<li>{html.escape(self.say('of_kind', kind=kind_title(result, name, texts), train=train))}</li>"
            for name, train in result.trains.items()
        )
        return (
            f'<header><p class="handling">{html.escape(result.handling.label)}</p>'
            f'<p class="program">{html.escape(texts.text("ui.program"))}</p>'
            f"<h1>{html.escape(title(result.title, result.reference, texts))}</h1>"
            f'<p class="{kind}">{html.escape(headline(result, texts))}</p>'
            f'<p class="digest">{html.escape(subtitle)}</p>{said}<ul class="kinds">{kinds}</ul></header>'
        )

    # -- paths by hour ------------------------------------------------------------------------------------------------

    def corridors(self) -> str:
        rule = guarantee_settings().path
        note = self.say("corridors_note", share=rule.longest_share, extra=round(rule.longest_extra_s / 60))
        parts = []
        for corridor in self.result.corridors:
            heading = html.escape(title(corridor.title, corridor.name, self.texts))
            tables = "".join(self._direction(direction) for direction in corridor.directions if direction.kinds)
            if tables:
                parts.append(f'<div class="corridor"><h3>{heading}</h3>{tables}</div>')
        return self.section("corridors", note, "".join(parts)) if parts else ""

    def _way(self, direction: r.Direction) -> str:
        said = self.say("direction", origin=direction.origin.name, destination=direction.destination.name)
        return said + (f" {self.say('via', places=[place.name for place in direction.via])}" if direction.via else "")

    def _direction(self, direction: r.Direction) -> str:
        heads = [(self.say("kind"), ""), ("", ""), *((clock_hour(hour), "n") for hour in range(24))]
        heads += [(self.say("day_total"), "n"), (self.say("share_of_bound"), "n")]
        rows = [line for kind in direction.kinds for line in self._kind_rows(kind)]
        return f"<h4>{html.escape(self._way(direction))}</h4>{_table(heads, rows, 'heat')}"

    def _kind_rows(self, kind: r.KindCount) -> list[str]:
        name = kind_title(self.result, kind.kind, self.texts)
        if not kind.possible:
            why = self.texts.sentence(kind.why_not) if kind.why_not else ""
            return [_row([_cell(name, "kind"), _cell(self.say("impossible", why=why), "quiet", span=27)], "first")]
        lines = (
            ("row_free", kind.free, kind.free_day, kind.bound_free_day),
            ("row_reserve", kind.with_reserve, kind.with_reserve_day, kind.bound_with_reserve_day),
        )
        rows = []
        for number, (key, found, total, bound) in enumerate(lines):
            cells = [_cell("" if number else name, "kind"), _cell(self.say(key), "what")]
            cells += [self._heat(paths, hour in kind.broken_off) for hour, paths in enumerate(found)]
            cells += [_cell(total, "n total"), _cell(of_bound(total, bound, self.texts), "n quiet")]
            rows.append(_row(cells, "" if number else "first"))
        cells = [_cell(""), _cell(self.say("row_bound"), "what quiet")]
        cells += [_cell(most, "n quiet") for most in kind.bound_with_reserve]
        rows.append(_row([*cells, _cell(kind.bound_with_reserve_day, "n quiet"), _cell("")], "bound"))
        return rows

    def _heat(self, paths: int, broken_off: bool) -> str:
        level = max(i for i, least in enumerate(HEAT) if paths >= least)
        said = self.say("broken_off") if broken_off else ""
        return _cell(f"{paths}+" if broken_off else paths, f"n h{level}", title=said)

    def binding(self) -> str:
        parts = []
        for corridor in self.result.corridors:
            for direction in corridor.directions:
                lines = [
                    f"<li>{html.escape(binding_line(self.result, row.kind, found, self.texts))}"
                    f' <span class="quiet">{html.escape(self.say("tracks", tracks=found.tracks))}</span></li>'
                    for row in direction.kinds
                    for found in row.binding
                ]
                if lines:
                    parts.append(f"<h4>{html.escape(self._way(direction))}</h4><ul>{''.join(lines)}</ul>")
        return self.section("binding", self.say("binding_note", few=FEW_PATHS), "".join(parts)) if parts else ""

    # -- demand and reserve -------------------------------------------------------------------------------------------

    def shares(self) -> str:
        shares = self.result.shares
        if shares is None:
            return ""
        text = ("flow", "from_to", "kind")
        numbers = ("notice", "within", "asked", "free", "reserve", "displaced", "none")
        heads = [(self.say(key), "") for key in text] + [(self.say(key), "n") for key in numbers]
        rows = [self._flow(flow) for flow in shares.flows]
        note = self.say("shares_note", order=self.texts.word("guarantee.order", shares.order))
        return self.section("shares", note, _table(heads, rows) + self._trains(shares))

    def _flow(self, flow: r.FlowResult) -> str:
        names = (
            title(flow.title, flow.name, self.texts),
            f"{flow.origin.name} – {flow.destination.name}",
            kind_title(self.result, flow.kind, self.texts),
        )
        times = (self.texts.number(flow.notice_h), self.texts.number(flow.within_h))
        counts = (flow.asked, flow.free, flow.reserve, flow.displaced, flow.none)
        cells = [_cell(text) for text in names] + [_cell(value, "n") for value in (*times, *counts)]
        return _row(cells, "short" if flow.none else "")

    def _trains(self, shares: r.Shares) -> str:
        keys = ("train_of", "ready", "result", "at_hours", "reserve", "moved")
        rows = []
        for flow in shares.flows:
            for train in flow.trains:
                leaves = ""
                if train.departure_s is not None and train.arrival_s is not None:
                    leaves = f"{clock(train.departure_s)[:5]} – {clock(train.arrival_s)[:5]}"
                harm = f"{self.texts.number(train.harm)} {train.harm_unit}" if train.harm is not None else ""
                rows.append(
                    _row([
                        _cell(f"{title(flow.title, flow.name, self.texts)} {train.number}"),
                        _cell(clock(train.ready_s)[:5], "n"),
                        _cell(self.texts.word("guarantee.outcome", train.outcome)),
                        _cell(leaves, "n"),
                        _cell(", ".join(train.reserve_paths)),
                        _cell("; ".join(part for part in (", ".join(train.displaced), harm) if part)),
                    ])
                )  # fmt: skip
        heads = [(self.say(key), "n" if key in {"ready", "at_hours"} else "") for key in keys]
        return f"<h3>{html.escape(self.say('trains'))}</h3>{_table(heads, rows)}"

    def reserve(self) -> str:
        if not self.result.reserve:
            return ""
        text, numbers = ("flow", "from_to", "kind"), ("asked", "notice", "within", "hold")
        heads = [(self.say(key), "") for key in text] + [(self.say(key), "n") for key in numbers]
        heads += [(self.say(key), "") for key in ("at_hours", "covered", "uncovered")]
        rows = []
        for row in self.result.reserve:
            scope = self.say("known_times" if row.known_times else "any_time")
            names = (
                title(row.title, row.flow, self.texts),
                f"{row.origin.name} – {row.destination.name}",
                kind_title(self.result, row.kind, self.texts),
            )
            figures = (row.trains, self.texts.number(row.notice_h), self.texts.number(row.within_h), len(row.paths))
            rest = (
                ", ".join(clock(path.departure_s)[:5] for path in row.paths),
                f"{percent(row.share, self.texts)} ({scope})",
                hours(row.uncovered),
            )
            cells = [_cell(text) for text in names] + [_cell(value, "n") for value in figures]
            rows.append(_row([*cells, *(_cell(text) for text in rest)], "short" if row.share < 1 else ""))
        note = self.say("reserve_note", trains=self._most_trains(), cutoff=guarantee_settings().reserve.cutoff_h)
        return self.section("reserve_title", note, _table(heads, rows) + self._promises())

    def _most_trains(self) -> str:
        numbers = sorted({row.trains for row in self.result.reserve})
        return "–".join(str(number) for number in (numbers[:1] + numbers[-1:] if len(numbers) > 1 else numbers))

    def _promises(self) -> str:
        within = [promise.within_h for promise in self.result.reserve[0].promises]
        heads = [(self.say("flow"), ""), *((self.say("promise", hours=hours_), "n") for hours_ in within)]
        rows = [
            _row([
                _cell(title(row.title, row.flow, self.texts)),
                *(_cell(f"{p.paths} ({percent(p.share, self.texts)})", "n") for p in row.promises),
            ])
            for row in self.result.reserve
        ]  # fmt: skip
        return f"<h3>{html.escape(self.say('promises'))}</h3>{_table(heads, rows)}"

    # -- levels and occupation ----------------------------------------------------------------------------------------

    def levels(self) -> str:
        levels = self.result.levels
        if levels is None:
            return ""
        if not levels:
            return self.section("levels", self.say("levels_hold"), "")
        heads = [(self.say("section"), ""), ("", ""), *((self.say(k), "n") for k in ("needed", "before", "after"))]
        heads.append((self.say("source"), ""))
        rows = [
            _row(
                [
                    _cell(f"{row.begin.name} – {row.end.name}"),
                    _cell(self.say("peak" if row.peak else "off_peak")),
                    *(_cell(self.texts.number(value), "n") for value in (row.needed, row.before, row.after)),
                    _cell(self.texts.said(row.source)),
                ],
                "short" if row.after < row.before else "",
            )
            for row in levels
        ]
        same = all(row.after == row.before for row in levels)
        note = f"{self.say('levels_note')} {self.say('levels_same') if same else ''}".strip()
        return self.section("levels", note, _table(heads, rows))

    def occupation(self) -> str:
        bands = guarantee_settings().band
        heads = [(self.say("section"), ""), (self.say("km"), "n"), (self.say("traffic_there"), "")]
        heads += [(f"{self.texts.word('guarantee.band', b.name)} {_band_hours(b.from_h, b.to_h)}", "n") for b in bands]
        parts = []
        for corridor in self.result.corridors:
            for direction in corridor.directions:
                if direction.occupation:
                    rows = [self._section_row(row) for row in direction.occupation]
                    parts.append(f"<h4>{html.escape(self._way(direction))}</h4>{_table(heads, rows)}")
        rule = guarantee_settings().occupation
        keys = ("mixed_peak", "mixed_day", "suburban_peak", "suburban_day")
        note = self.say("occupation_note", **{key: getattr(rule, key) for key in keys})
        return self.section("occupation", note, "".join(parts)) if parts else ""

    def _section_row(self, row: r.SectionOccupation) -> str:
        cells = [
            _cell(f"{row.begin.name} – {row.end.name}"),
            _cell(self.texts.fixed(row.km, 1), "n"),
            _cell(self.texts.word("guarantee.traffic", row.traffic)),
        ]
        for band in row.bands:
            cells.append(
                _cell(f"{self.texts.fixed(band.percent, 0)} % ({band.trains})", "n over" if band.over else "n")
            )
        return _row(cells)

    # -- what it rests on ---------------------------------------------------------------------------------------------

    def assumptions(self) -> str:
        keys = ("what", "value", "certainty", "source")
        rows = [
            _row([
                _cell(row["what"]),
                _cell(row["value"]),
                _cell(self.texts.word("certainty", row["certainty"])),
                _cell(self.texts.said(row["source"])),
            ])
            for row in self.result.assumptions
        ]  # fmt: skip
        return self.section("assumptions", "", _table([(self.say(key), "") for key in keys], rows))

    def origins(self) -> str:
        made = self.result.provenance
        values = (made.program, made.network, made.day, made.demand, made.assumptions, made.rule_set, self.result.hash)
        return self.section("origins", " · ".join(value for value in values if value), "")


def _band_hours(from_h: float, to_h: float) -> str:
    return "–".join(f"{int(hour) % 24:02d}:{round(hour % 1 * 60):02d}" for hour in (from_h, to_h))
