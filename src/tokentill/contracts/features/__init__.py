"""What a rule can do beside its basis and markup: one file for one feature.

Each file has the feature's value, what it consumes, its steps or its charge. `is_linear` says whether the amount of a
sum is the sum of the amounts, so that sums stand for their records; `counts_on` whether it uses something up in a
period. What consumes returns the rest, what was consumed and the new state, and changes nothing in place.
"""
