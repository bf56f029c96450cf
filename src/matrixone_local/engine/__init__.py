"""The engine, OceanBase seekdb: its process, its connections, its hidden tables and copies of tables.

All that depends on this engine's own behaviour belongs here.
"""
