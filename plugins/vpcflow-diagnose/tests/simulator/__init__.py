"""A network of AWS in small: it is built from a seed, broken in one known way, and writes the flow
logs and the inventory that AWS would write. `scenario.scenario(seed)` puts it together.

Written from AWS's documentation. It shares nothing with the engine that it tests: no import of
`vpcflow_diagnose`, own evaluation of rules and routes.
"""
