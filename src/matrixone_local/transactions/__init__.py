"""What makes CREATE, DROP and ALTER part of a transaction: undo log, earlier versions of tables, rollback.

The features do not use it, and it uses none of them.
"""
