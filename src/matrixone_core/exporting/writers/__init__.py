"""Writers: rows as the bytes of a file, batch by batch.

Only pure functions of rows may live here: no statement, no step.
"""
