"""What the clients' managers bind: one operation for each of their methods.

Only these may live here; what loads and sessions need as well is in `catalog`, `stage_files` and `patterns`.
"""
