"""Train characteristics, loads, running time; the question whether this train may use this track."""
