"""From conversations and snapshots to causes.

ends: who the two ends are. rules: what rules say at an interface. routes: what stands in the way
from one end to the other. exchange: what all interfaces saw of one question. rejected, unanswered,
answered: what follows. judgement: what was concluded. grouping: one finding for each fault.
"""
