"""What several tables or files must keep together: one small function a rule, in one module for each kind of value.

Each module ends in its `CHECKS`; `recordings.checking` runs them. What one table must keep by itself stands with its
schema.
"""
