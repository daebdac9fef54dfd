"""What flow logs cost: `measure` or `Meter` -> `Volume` -> `estimate` -> `Estimate`.

with Meter() as meter:                  # beside whatever else reads the batches
    for batch in stream:
        meter.add(batch)
    volume = meter.volume()
made = estimate(volume, retention=12)
made.chosen.usd, made.best, made.as_dict()

estimate(Monthly(records=2_592_000_000, text_bytes=298_080_000_000)).costs
"""

from vpcflow_query.cost.destinations import DestinationCost
from vpcflow_query.cost.drivers import Driver
from vpcflow_query.cost.estimate import Estimate, Lever, estimate
from vpcflow_query.cost.line_length import typical_line
from vpcflow_query.cost.meter import Meter, measure
from vpcflow_query.cost.volume import Monthly, Volume

__all__ = [
    "DestinationCost",
    "Driver",
    "Estimate",
    "Lever",
    "Meter",
    "Monthly",
    "Volume",
    "estimate",
    "measure",
    "typical_line",
]
