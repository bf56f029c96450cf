"""CSV, JSON lines, Arrow, Parquet and compression: rows read from bytes, and written.

Only pure functions of bytes and tables may live here: no statement, no step.
"""
