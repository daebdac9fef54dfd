"""What the logs say, gathered in bounded memory: records -> conversations."""
