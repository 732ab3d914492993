"""What heroes and walkers hold: swords, staffs, shields, books and the rest, as small templates with their own colours.

Who holds what, and where the hand is, is decided by whoever draws the figure.
"""

from functools import cache
from typing import NamedTuple

from .canvas import GROUND, Canvas
from .dice import Dice
from .palette import GOLD, LEATHER, STEEL, WHITE, WOOD, Ramp, ramp


class Item(NamedTuple):
    """A named template, the point in it that the hand closes on, and the row above it that may be repeated."""

    name: str  # what `Drawing.item` records
    template: str
    grip: tuple[int, int]
    long_row: int = 0
    extra: int = 0  # how often at most
    pole: bool = False  # its last row goes on down to the ground


# s blade, g trim, w handle, c the owner's colour, p paper and string, o oak, f flame, y glow; capitals are in shadow
SWORD = Item("sword", ".s. .s. .s. .s. ggg .w.", (1, 5), 1, 3)
BROADSWORD = Item("sword", ".s.. .sS. .sS. .sS. gggg .wW.", (1, 5), 1, 3)
CUTLASS = Item("sword", "..s. .ssS .ssS .sS. .sS. ggg. .wg.", (1, 6), 3, 1)
KATANA = Item("sword", "..s .ss .s. .s. .s. gg. .w.", (1, 6), 3, 2)
DAGGER = Item("dagger", ".s. .s. .s. ggg .w.", (1, 4), 1, 1)
AXE = Item("axe", "ws. wss wss ws. w.. w..", (0, 5), 4, 2)
DOUBLE_AXE = Item("axe", "s.w.s sswsS sswsS S.w.S ..w.. ..w..", (2, 5), 4, 2)
HAMMER = Item("hammer", "sssss sssss SSwSS ..w.. ..w..", (2, 4), 3, 3)
MACE = Item("hammer", "sss ssS SSS .w. .w. .w.", (1, 5), 3, 2)
STAFF = Item("staff", ".c. ccC gCg .w.", (1, 3), pole=True)
CROOK = Item("staff", ".ww wcw w.W ww. .w.", (1, 4), pole=True)
CRESCENT_STAFF = Item("staff", "g..g gccg .gG. .w..", (1, 3), pole=True)
SPEAR = Item("spear", ".s. .sS .sS .g. .w.", (1, 4), pole=True)
SCEPTRE = Item("sceptre", ".c. gcg ggG .g. .g. .G.", (1, 5), 3, 2)
TORCH = Item("torch", ".f. .ff fyf fyf .w. .w. .w.", (1, 6), 5, 1)
LANTERN = Item("lantern", ".s. sss yyf yyf ssS", (1, 0))
LAMP = Item("lantern", ".s. yyy yfy sss", (1, 0))
BOW = Item("bow", "ww. p.w p.w p.w p.w p.w ww.", (2, 3), 2, 2)
ROUND_SHIELD = Item("shield", ".ccc. ccccC ccscC ccccC .CCC.", (2, 2))
KITE_SHIELD = Item("shield", "ggggg gcpcg gpppg gcpcg gcpCg .gCg. ..g..", (2, 3))
HEATER_SHIELD = Item("shield", "sscss scccs scgcs scgCs .sCs. ..s..", (2, 3))
CLOSED_BOOK = Item("book", "ccccp cgccp cgccp CCCCp", (2, 2))
OPEN_BOOK = Item("book", "pp.pp ppPpp ppPpp cCCCC", (2, 2))
LUTE = Item("lute", ".....ww ....ww. .oo.w.. oooow.. oo#oo.. ooooO.. .oOO...", (4, 3))
DRUM = Item("drum", ".pppp. ppppPP cgcgCG gcgcGC .CCCC.", (2, 2))
FLOWER = Item("flower", ".c. cgc .c. .w. .w.", (1, 4))

METALS = (STEEL, STEEL, ramp(0.55, 0.22, 0.84), ramp(0.62, 0.20, 0.62))
HANDLES = (WOOD, LEATHER, ramp(0.06, 0.50, 0.68))
OAK = ramp(0.08, 0.62, 0.86)
FLAME = ramp(0.045, 0.86, 0.97)
GLOW = ramp(0.135, 0.62, 1.0)


def draw_item(canvas: Canvas, item: Item, x: int, y: int, dice: Dice, colour: Ramp, mirrored: bool = False) -> None:
    """Draw an item, gripped at (x, y), in front of all that is there; `colour` paints gems, covers and shields."""
    column, row = item.grip
    rows = item.template.split()
    if item.pole:
        top = max(1, y - dice.integer(7, 10))
        template = _longer(item.template, row, max(0, GROUND - top - row))
    else:
        extra = min(dice.integer(0, item.extra), max(0, y - 1 - row))
        template = _longer(item.template, item.long_row, extra)
        top = min(y - row - extra, GROUND + 1 - len(rows) - extra)
    left = x - (len(rows[0]) - 1 - column if mirrored else column)
    ramps = {
        "s": dice.pick(METALS), "g": GOLD, "w": dice.pick(HANDLES), "c": colour,
        "p": WHITE, "o": OAK, "f": FLAME, "y": GLOW,
    }  # fmt: skip
    canvas.stamp_in_front(template, left, top, ramps, mirrored)


@cache
def _longer(template: str, row: int, times: int) -> str:
    """A template with one of its rows repeated."""
    rows = template.split()
    return "\n".join(rows[:row] + [rows[row]] * times + rows[row:])
