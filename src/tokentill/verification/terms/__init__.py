"""What people had written, as it holds at an instant: prices, contracts, grants, whose records are whose, and when
their periods begin and end.
"""
