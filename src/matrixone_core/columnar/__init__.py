"""Results as columns: the rows of a reply made into Arrow data, a column at a time (needs pyarrow and numpy).

Only pure functions of packets and columns may live here: no statement, no step.
"""
