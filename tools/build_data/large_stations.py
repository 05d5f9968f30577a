"""The large stations of the minimum levels, by their type: the law's own list is not at hand."""

from __future__ import annotations

import csv
import io

from tools.build_data.places import station_rows
from tools.build_data.tables import DATA

LARGE = ("megastation", "knooppuntIntercitystation")
"""Types taken as large: the largest six, and the junctions where intercity trains call."""

SOURCE = (
    "type in the list of stations of Rijden de Treinen (CC BY 4.0, 2023); "
    "that these types are the large stations of art. 8 is assumed"
)


def build() -> None:
    from weerspoor.network.load import load_network

    code_of = {code.upper(): code for code in load_network().points.code}
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["point", "type", "source", "certainty"])
    for code, row in sorted(station_rows().items()):
        if row["type"] in LARGE and code in code_of:
            writer.writerow([code_of[code], row["type"], SOURCE, "assumed"])
    (DATA / "large_stations.csv").write_text(file.getvalue(), encoding="utf-8")
