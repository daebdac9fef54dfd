"""SQL over flow logs, named queries, Athena tables, cost and set-up: `vpcflow sql`, `query`, `top`,
`athena`, `cost`, `setup`."""
