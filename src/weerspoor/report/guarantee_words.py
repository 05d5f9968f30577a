"""The words in which page and command line say a guarantee: titles, hours, the headline, what binds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from weerspoor.capacity.guarantee import result as r
from weerspoor.common.clock import DAY_START_S
from weerspoor.report.texts import Texts

FIRST_HOUR = DAY_START_S // 3600


def title(titles: Mapping[str, str], name: str, texts: Texts) -> str:
    """Return a title in the language, in another if there is none, or the name."""
    return titles.get(texts.lang) or next(iter(titles.values()), "") or name


def kind_title(result: r.GuaranteeResult, kind: str, texts: Texts) -> str:
    """Return the title of a kind of train."""
    return title(result.kinds.get(kind, {}), kind, texts)


def clock_hour(hour: int) -> str:
    """Return an hour of the operating day, 0 to 24, as two digits of the clock."""
    return f"{(hour + FIRST_HOUR) % 24:02d}"


def hours(numbers: Iterable[int]) -> str:
    """Return hours of the operating day as stretches of the clock: ``06-09, 17-18``."""
    stretches: list[list[int]] = []
    for hour in sorted(numbers):
        if stretches and stretches[-1][1] == hour:
            stretches[-1][1] = hour + 1
        else:
            stretches.append([hour, hour + 1])
    return ", ".join(f"{clock_hour(a)}–{clock_hour(b)}" for a, b in stretches)


def headline(result: r.GuaranteeResult, texts: Texts) -> str:
    """Return in a sentence whether the demand fits."""
    if result.shares is None:
        missing = texts.text("guarantee.partial", missing=result.missing)
        return missing if result.missing else texts.text("guarantee.no_flows")
    part = result.shares
    values = {key: getattr(part, key) for key in ("asked", "free", "reserve", "displaced", "none")}
    said = texts.text("guarantee.fits_not" if part.none else "guarantee.fits", **values)
    return f"{said} {texts.text('guarantee.partial', missing=result.missing)}" if result.missing else said


def notes(result: r.GuaranteeResult, texts: Texts) -> list[str]:
    """Return what a reader has to know beside the headline."""
    found = []
    if result.shares is not None and result.shares.displacement == "not_computed":
        found.append(texts.text("guarantee.not_computed"))
    growth = result.growth_volume, result.growth_frequency
    if growth != (1.0, 1.0):
        found.append(texts.text("guarantee.growth", volume=growth[0], frequency=growth[1]))
    if result.lacks:
        found.append(texts.text("plan.warning.lacks", layers=result.lacks))
    if result.rules:
        found.append(texts.text("guarantee.rules", rules=result.rules))
    return found


def binding_line(result: r.GuaranteeResult, kind: str, row: r.Binding, texts: Texts) -> str:
    """Return in a line where paths of a kind fail, when and against what."""
    trains = [texts.table.get(f"guarantee.series.{name}", name) for name in row.trains]
    said = texts.text(
        "guarantee.binding_line",
        kind=kind_title(result, kind, texts),
        hours=hours(row.hours),
        begin=row.begin.name,
        end=row.end.name,
        share=round(100 * row.share),
        trains=trains,
    )
    return said + (texts.text("guarantee.beside", share=round(100 * row.beside)) if row.beside >= 0.005 else "")


def percent(part: float, texts: Texts, digits: int = 0) -> str:
    """Return a share as a percentage."""
    return f"{texts.fixed(100 * part, digits)} %"


def of_bound(found: int, bound: int, texts: Texts) -> str:
    """Return what share of a bound was reached; nothing when the bound is 0."""
    return percent(found / bound, texts) if bound else ""
