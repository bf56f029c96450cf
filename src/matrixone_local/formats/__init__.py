"""Bytes of files to rows of SQL literals: CSV, JSON lines, Parquet, and the conversion to a column's type.

No engine, no socket; formats import `sql` and errors.
"""
