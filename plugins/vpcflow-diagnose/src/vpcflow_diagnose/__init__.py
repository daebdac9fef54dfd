"""Why traffic fails: `vpcflow diagnose`, `why`, `report`."""
