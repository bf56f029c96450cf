"""How a plan is executed: the strategies that bring rows from their input into the table.

Only operations that send the statements of a load may live here; which strategy runs is decided by `plan`.
"""
