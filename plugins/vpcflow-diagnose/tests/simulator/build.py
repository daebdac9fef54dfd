"""`build(seed)`: a random world in which every link works."""

from __future__ import annotations

from random import Random

from .ground import Wish, lay_ground
from .hosts import Settlers, settle_others, settle_shop
from .links import make_links
from .model import World
from .recorded import make_rules


def build(seed: int, wish: Wish | None = None) -> World:
    """wish: what a fault needs to be there; the rest is random."""
    wish = wish or Wish()
    world = World(Random(seed))
    lay_ground(world, wish)
    settlers = Settlers(world)
    settle_shop(settlers, wish.middlebox or world.rng.random() < 0.3)
    settle_others(settlers)
    make_links(world, settlers)
    make_rules(world)
    return world
