"""The MySQL protocol in bytes: packets, columns, rows and vectors.

Nothing here knows SQL, the engine or a file.
"""
