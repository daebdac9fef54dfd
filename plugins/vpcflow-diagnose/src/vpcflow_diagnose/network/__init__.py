"""What AWS says of the network: interfaces, rules, routes; and how AWS evaluates them."""
