"""The page of a shareable version: plain HTML without scripts, one part for each holder."""

from __future__ import annotations

import datetime as dt
import html
from string import Template

from weerspoor.common.clock import DAY_S, clock
from weerspoor.report.document import document
from weerspoor.report.shareable import LEAST_CHANGE_S, Shareable, SharedNotice, SharedTime, SharedTrain, train_number
from weerspoor.report.texts import Texts

_BODY = Template(
    """<header><p class="label">$label</p><p class="hash">$hash</p></header>
<h1>$title</h1>
$head
$notices
<footer>$label</footer>"""
)

_STYLE = """
@page { size: A4; margin: 16mm 14mm; }
body { font: 15px/1.45 "Source Sans 3", "Open Sans", "Segoe UI", "Helvetica Neue", Arial, sans-serif; color: #1a1d21;
  background: #fffefb; max-width: 860px; margin: 0 auto; padding: 20px; font-variant-numeric: tabular-nums; }
header { display: flex; justify-content: space-between; border-top: 3px solid; padding-top: 8px; }
p { margin: 6px 0; }
.label, footer { font-weight: 700; }
.hash, .quiet { color: #5c646d; }
h1 { font-size: 26px; font-weight: 600; margin: 18px 0 8px; }
h2 { font-size: 19px; margin: 34px 0 4px; border-top: 1px solid; padding-top: 12px; }
h3 { font-size: 15px; margin: 20px 0 2px; }
.warning { border-left: 3px solid #a3231b; padding-left: 10px; }
.status { font-weight: 650; }
table { border-collapse: collapse; margin: 6px 0; }
th { text-align: left; font-weight: 500; color: #5c646d; border-bottom: 1px solid #1a1d21; }
th, td { padding: 3px 18px 3px 0; }
td { border-bottom: 1px solid #d9dcdf; }
.n { text-align: right; white-space: nowrap; }
s { color: #8d959d; }
footer { margin-top: 40px; }
@media print { .train { break-inside: avoid; } body { padding: 0; font-size: 10pt; } }
"""


def render_shareable(value: Shareable, lang: str) -> str:
    """Return the page of a shareable version as one HTML document without scripts or any reference outside itself.

    Parameters
    ----------
    value : Shareable
    lang : str
        ``en`` or ``nl``.

    Raises
    ------
    InputError
        If there is no such language.
    """
    texts = Texts(lang)
    title = texts.text("shareable.title")
    body = _BODY.substitute(
        title=html.escape(title),
        label=html.escape(value.label),
        hash=html.escape(value.hash),
        head="\n".join(_head(value, texts)),
        notices="\n".join(_notice(notice, value, texts) for notice in value.notices),
    )
    return document(lang=lang, title=title, styles=(("", _STYLE),), body=body)


def _p(text: str, css: str = "") -> str:
    return f'<p class="{css}">{html.escape(text)}</p>' if css else f"<p>{html.escape(text)}</p>"


def _head(value: Shareable, texts: Texts) -> list[str]:
    rules = value.rules_nl if texts.lang == "nl" else value.rules_en
    contact = value.contact or texts.text("shareable.no_contact")
    return [
        _p(f"{texts.word('status', value.status).capitalize()}. {texts.text('shareable.not_decided')}", "status"),
        _p(texts.sentence(value.warning), "warning"),
        _p(texts.text("shareable.rules", rules=rules)),
        _p(texts.text("shareable.contact", contact=contact)),
    ]


def _notice(notice: SharedNotice, value: Shareable, texts: Texts) -> str:
    segment = texts.word("segment", notice.segment)
    title = notice.undertaking or texts.text("proposal.unnamed", segment=segment)
    trains = "\n".join(_train(train, value, texts) for train in notice.trains)
    return f"<section>\n<h2>{html.escape(title)}</h2>\n{trains}\n</section>"


def _train(train: SharedTrain, value: Shareable, texts: Texts) -> str:
    day = _first_s(train) // DAY_S
    reason = texts.sentence(value.reason)
    parts = [
        f"<h3>{html.escape(texts.text('shareable.train', train=train_number(train.train), reason=reason))}</h3>",
        _p(
            " ".join(
                part for part in (texts.word("notice", train.kind).capitalize(), _date(value.date, day, texts)) if part
            )
        ),
    ]
    if train.asks_consent:
        parts.append(_p(texts.text("proposal.notice_consent")))
    if train.neighbours:
        parts.append(_p(texts.text("proposal.notice_neighbours", names=train.neighbours)))
    parts += [_times(train, day, texts), _rule(train, texts)]
    return '<div class="train">\n' + "\n".join(parts) + "\n</div>"


def _first_s(train: SharedTrain) -> int:
    times = (time for row in train.times for time in (row.old_arrival_s, row.old_departure_s) if time is not None)
    return min(times, default=0)


def _date(date: str, day: int, texts: Texts) -> str:
    """Return the calendar date so many days after the first of the operating day; empty if that is not known."""
    try:
        on = dt.date.fromisoformat(date) + dt.timedelta(days=day)
    except ValueError:
        return ""
    return texts.text("shareable.date", day=f"{on.day:02d}", month=f"{on.month:02d}", year=str(on.year))


def _times(train: SharedTrain, day: int, texts: Texts) -> str:
    heads = [("", "ui.head.point"), ("n", "ui.head.arrival"), ("n", "ui.head.departure"), ("", "ui.head.remark")]
    head = "".join(f'<th class="{css}">{html.escape(texts.text(key))}</th>' for css, key in heads)
    rows = "\n".join(_row(row, day, texts) for row in train.times)
    return f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}\n</tbody>\n</table>"


def _row(row: SharedTime, day: int, texts: Texts) -> str:
    gone = row.new_arrival_s is None and row.new_departure_s is None
    cells = (
        f"<td>{html.escape(row.name)} <span class='quiet'>{html.escape(row.code)}</span></td>",
        f'<td class="n">{_changed(row.old_arrival_s, row.new_arrival_s, day)}</td>',
        f'<td class="n">{_changed(row.old_departure_s, row.new_departure_s, day)}</td>',
        f"<td>{html.escape(texts.text('proposal.no_more')) if gone else ''}</td>",
    )
    return f"<tr>{''.join(cells)}</tr>"


def _changed(old: int | None, new: int | None, day: int) -> str:
    if old is None:
        return ""
    if new is None:
        return f"<s>{_clock(old, day)}</s>"
    if abs(new - old) < LEAST_CHANGE_S:
        return _clock(old, day)
    return f"<s>{_clock(old, day)}</s> <b>{_clock(new, day)}</b>"


def _clock(seconds: int, day: int) -> str:
    """Return a clock time; one of a later calendar day than that in the heading is marked."""
    later = seconds // DAY_S - day
    return clock(seconds, with_seconds=False) + (f" (+{later})" if later > 0 else "")


def _rule(train: SharedTrain, texts: Texts) -> str:
    rule = train.rule
    said = rule.nl if texts.lang == "nl" else rule.en
    basis, certainty = texts.word("basis", rule.basis), texts.word("certainty", rule.certainty)
    article = texts.said(rule.article)
    return _p(texts.text("shareable.rule", article=article, said=said, basis=basis, certainty=certainty), "quiet")
