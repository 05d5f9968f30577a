"""Points, tracks, links, zones and neighbour tracks of the railway."""
