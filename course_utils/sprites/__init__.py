"""A procedural artist that draws 16×16 sprites of five classes, each kind a small function.

`dice` decides, `palette` colours, `canvas` draws; `heroes`, `creatures`, `food`, `spells` and `walkers` say what;
`artist` puts them together, and `dataset` writes the data set.
"""

from .artist import CLASSES, Sprite, draw_sprite, draw_sprites
from .dataset import write_sprites

__all__ = ["CLASSES", "Sprite", "draw_sprite", "draw_sprites", "write_sprites"]
