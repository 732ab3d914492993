"""Heroes: adventurers seen from the front, one function a kind.

Every one has a large head, a small body and often something in hand, which `items` draws. Creatures and whoever walks
in profile live elsewhere.
"""

from functools import cache

from . import items
from .canvas import GROUND, Canvas, ellipse, variants
from .dice import Dice
from .drawing import Drawing, Kind
from .items import Item, draw_item
from .palette import (
    BASE,
    BLACK,
    BONE,
    GOLD,
    INK,
    LEAF,
    LEATHER,
    LIGHT,
    SHADOW,
    STEEL,
    WHITE,
    WOOD,
    Ramp,
    first_apart,
    hair_ramp,
    named_ramp,
    ramp,
    skin_ramp,
)

DARK = ramp(0.64, 0.30, 0.42)
SAND = ramp(0.09, 0.35, 0.72)
RAVEN = ramp(0.68, 0.30, 0.24)
PALE = ramp(0.075, 0.28, 0.98)
IRON = ramp(0.62, 0.20, 0.58)
SCARLET = ramp(0.985, 0.80, 0.85)

# c main colour, d second colour, k skin, h hair, m metal, g gold, l leather, t trousers, w white, e black;
# capitals are in shadow. Templates have an odd width: a broad figure doubles their middle column.
FACE = """
.kkkkk.
kkkkkkk
kkkkkkk
kkkkkkk
kkkkkkk
.kKKKk.
"""
HAIRS = variants("""
.hhhhh.  .hhhhh.  .hhhhh.  .h.h.h.  .hhhhh...
hhhhhhH  hhhhhhH  hhhhhhH  hhhhhhh  hhhhhhhH.
hhhHhHH  hhH.HhH  hH.hhHH  hhhhhhH  hhhHhH.hH
h.....H  h.....H  h.....H  hH.h.HH  h.....HhH
H.....H  h.....H  H.....H  h.....H  H.....HHH
.......  h.....H  .......  .......  .......HH
.......  hH...HH  .......  .......  .......H.
""")
BEARDS = variants("""
h.....H  .......  .......  h.....H
hhhhhhH  .hh.hH.  .......  hh...hH
.hhhhH.  .hHHHH.  .hh.hH.  .hhhhH.
..hhH..  .......  ..hhH..  ..hhH..
...H...  .......  ...H...  .......
""")
TORSOS = variants("""
ccccc  ccwcc  cclcc  cdddc
ccccC  ccwcC  clccC  cdddC
cccCC  ccwcC  lcccC  cdgdC
lllgl  lllgl  lglll  cdddC
ccccC  ccccC  ccccC  ccdCC
""")
LEGS = variants("""
tt.tT  .tt.tT.  .tt.tT.
ll.lL  ll...lL  lll.llL
""")
ROBES = variants("""
.ccccC.  .cdddC.  ..ccccC..
.ccccC.  .ccdcC.  ..cccCC..
.cccCC.  .ccdcC.  ..dddDD..
.dgdDD.  .ccdcC.  .cccccCC.
.cccCC.  .ccdcC.  .ccccCCC.
ccccCCC  cccdcCC  cccccCCCC
cccCCCC  gggggGG  .ccccCCC.
""")
CAPES = variants("""
.CCCCCCC.  .CCCCCCC.
CCCCCCCCC  CCCCCCCCC
CCCCCCCCC  CCCCCCCCC
CCCCCCCCC  CCCCCCCCC
CC..CC.CC  CCCCCCCCC
C...C...C  .CCCCCCC.
""")
TABARDS = variants("""
ccccc  cdddc  ccccc
ccwcC  ccdcC  mcccM
cwwwC  cddcC  ccwcC
ccwcC  cddcC  ccccC
ccccC  cccCC  llglL
""")
HELMETS = variants("""
.mmmmM.  mmmgmmM  .mmmmM.  .mmmmM.
mmmmmmM  mmmgmmM  mmmmmmM  mmmmmmM
mmmmmmM  mmmgmmM  mmmmmmM  mmmgmmM
meeeeeM  eeegeee  meemeeM  eeeeeee
mmmemmM  gggggGG  mmmmmMM  mMmMmMM
.mmeMM.  mMmgMmM  .mMMMM.  .mmmMM.
""")
PLUMES = variants("""
..ccC..  ..ccc..  ..ccccC  ....cc.
.ccccC.  .cccccC  .cccccC  .ccccC.
..ccC..  ..ccccC  ..cc.CC  ..cC...
...C...  ...c.CC  .....C.  ..cC...
""")
MAGE_HATS = variants("""
......cc...  ..cc.......  .....c.....  ...........
....cccc...  ..Cccc.....  ....ccC....  ....cccc...
....cccC...  ....ccc....  ....ccC....  ...cccccCCC
...cccCCC..  ...cccCC...  ...cccCC...  ...cccCCCC.
...ddddDD..  ...dddDD...  ..dddgdDD..  ...ddgDD...
ccccccccCCC  ccccccccCCC  ccccccccCCC  .ccccccCCC.
""")
HOODS = variants("""
....cc...  .........  .ccC.....
..ccccc..  ...ccc...  .CcccC...
.ccccccC.  ..ccccC..  .CccccC..
.ccCCCcC.  .ccCCCcC.  .ccCCCcC.
.cC...CC.  .cC...CC.  .cC...CC.
.c.....C.  .c.....C.  .c.....C.
.c.....C.  .c.....C.  .c.....C.
.cc...CC.  .cc...CC.  .cc...CC.
..cccCC..  .ccccCCC.  .ccccCCC.
""")
NINJA_HEADS = variants("""
.ccccC.  .h.h.h.  ..hh...
cccccCC  hhhhhhh  ..cccC.
dddddDD  dddddDD  dddddDD
C.....C  h.....H  C.....C
C.....C  H.....H  C.....C
ccccCCC  ccccCCC  ccccCCC
.ccCCC.  .ccCCC.  .ccCCC.
""")
KNOTS = variants("""
.dd  dd.  ...
ddD  .dd  dd.
d.d  dd.  .dd
..d  ...  ...
""")
PIRATE_HATS = variants("""
...ccccC...  ....ccC....  ...........  ...........
cc.cwwcC.cC  ..ccccccC..  ...ccccC...  ...ccccC...
cccccwccccC  .cccwwwccC.  ..ccwccwC..  ..ccccccC..
.gggggggGG.  cggggggggGC  ..ccccwcC..  ccccccCCC..
""")
HORNS = variants("""
w.........W  ...........  .w.......W.  ww.......wW
ww..mmM..wW  w...mmM...W  ww..mmM..wW  w...mmM...W
.wwmmgmMwW.  wwwmmgmMwWW  w..mmgmM..W  wwwmmgmMwWW
...mmgmM...  .wwmmgmMwW.  wwwmmgmMwWW  ...mmgmM...
...ggggG...  ...ggggG...  ...ggggG...  ...ggggG...
""")
GREAT_BEARDS = variants("""
hh...hH  hh...hH  hhh.hhH
hhhhhhH  hhhhhhH  hhhhhhH
hhhhhhH  hhhhhHH  hhHhHhH
.hhhhH.  hH.h.hH  .hHhHH.
..hhH..  hH...hH  ..gHg..
""")
VEILS = variants("""
..ccccC..  ..ccccC..
.ccccccC.  .cwwwwwC.
.cwwwwwC.  ccw...wCC
cw.....wC  cw.....wC
cw.....wC  cw.....wC
ccw...wCC  ccw...wCC
cCC...CCC  .cwwwwwC.
.C.....C.  .........
""")
MITRES = variants("""
...c...  ..cgc..
..cgC..  .ccgcC.
.ccgcC.  ccgggcC
.cgggC.  cccgccC
.ccgcC.  ccccccC
.wwwwW.  wwwwwwW
""")
CROWNS = variants("""
g..g..g  .......  ...g...  ..ggg..
gg.g.gg  g.g.g.g  g.ggg.g  gccgccg
gcgwgcG  ggcgcgG  gggcggG  gggcggG
""")
REGALIA = variants("""
..wwwwW..  .wwwwwwW.  ..ccccC..
.wwdddwW.  .wwwewwW.  .ccdddcC.
ccddddDcC  ccwdwdwcC  ccgdddGcC
ccggggGcC  ccdddDDcC  ccdggdDcC
ccddddDcC  cccgggCCC  ccddddDcC
cccdddDcC  ccddddDCC  cccdddCCC
ccccdDCCC  cwwwwwwWC  ggggggggG
""")
BERETS = variants("""
....cccC.  ..ccccC..  .........  ....cC...
.cccccccC  .ccccccC.  ...cccC..  ...cccC..
cccccccCC  cccccccCC  ..ccccCC.  ..ccccCC.
.ddddddD.  ..ddddD..  cccccccCC  cccccccCC
""")
FEATHERS = variants("""
....f  .fff.  fff..  ..fF.
..fff  fffF.  .fffF  .fff.
.ffF.  fF...  ..ffF  .ff..
fF...  f....  ...f.  fF...
""")
KABUTOS = variants("""
...ccccC...  ...ccccC...  ....ccC....
..cccccCC..  ..cccccCC..  ..cccccCC..
..CCCCCCC..  .cCCCCCCCC.  ..dddddDD..
.cCkkkkkCC.  ccCkkkkkCCC  .cCkkkkkCC.
ccCkkkkkCCC  .cCkkkkkCC.  ccCkkkkkCCC
...kKKKk...  ...kKKKk...  .c.kKKKk.C.
""")
CRESTS = variants("""
g.......g  ...g.g...  ....g....  .........
gg.....gg  ..gg.gg..  ...ggg...  .g.....g.
.gg...gg.  ..ggggg..  ...ggg...  .gg...gg.
..ggggg..  ...ggg...  ....g....  ..ggggg..
""")
ARMOURS = variants("""
.cceccceCC.  ..cecccec..
cccecccecCC  .ccecccecC.
cccecccecCC  cccecdcecCC
dddelllEDDD  ddcelllEcDD
cccecccECCC  cccecccECCC
...cC.cC...  ..ccC.ccC..
...ll.lL...  ..ll...lL..
""")
HAIR_SIDES = "h.....H h.....H H.....H"
HALF_MASK = ".dDDDD."
QUIVER = "w.w wdw lll .lL"

CENTRE = 7  # the middle column of a narrow figure
Path = tuple[tuple[int, int], ...]  # an arm: (columns from the middle, rows below the shoulder), the hand last
ARM_DOWN: Path = ((3, 0), (3, 1), (3, 2))
ARM_HIP: Path = ((3, 0), (4, 1), (3, 2))
ARM_UP: Path = ((3, 0), (4, 0), (5, -1))
ARM_WAVING: Path = ((3, 0), (4, 0), (5, -1), (5, -2))
ARM_LOW: Path = ((3, 0), (4, 1), (5, 2))
ARM_OUT: Path = ((3, 0), (4, 1), (5, 1))
ARM_HIGH: Path = ((3, 0), (4, 0), (5, 0))
ARM_LONG: Path = ((3, 0), (4, 1), (5, 1), (6, 1))
ARM_FRONT: Path = ((3, 0), (4, 1), (4, 2))
ARM_HIDDEN: Path = ((6, 2),)  # only the hand comes out


class _Hero:
    """A hero in the making: the canvas, the ramps by letter, and where the head and the hands are."""

    def __init__(self, dice: Dice, *colours: str, head: int = 3) -> None:
        self.dice, self.canvas = dice, Canvas()
        self.colour = dice.pick(colours)
        self.main = named_ramp(self.colour, dice)
        self.broad = dice.chance(0.5)
        self.side = dice.pick((-1, 1))  # the side of the hand that holds something
        self.head = head + dice.integer(0, 1)
        self.lean = dice.pick((0, 0, self.side)) if self.broad else 0
        self.item = "none"
        skin = first_apart((skin_ramp(dice), PALE), self.main)
        self.ramps: dict[str, Ramp] = {
            "c": self.main, "d": dice.pick((GOLD, WHITE, BONE, LEATHER, DARK)), "k": skin,
            "h": first_apart((hair_ramp(dice), RAVEN, BONE), self.main, skin), "m": STEEL, "g": GOLD, "w": WHITE,
            "e": BLACK, "l": dice.pick((LEATHER, WOOD, DARK)),
            "t": dice.pick((DARK, DARK, SAND, LEATHER, BONE)),
        }  # fmt: skip

    def part(self, template: str, y: int, dx: int = 0, mirrored: bool = False, front: bool = False) -> None:
        """Stamp a template, centred, with its top row at y; a broad figure has one more column in the middle."""
        template = _broad(template) if self.broad else template
        x = CENTRE - (len(template.split()[0]) - 1) // 2 + dx
        stamp = self.canvas.stamp_in_front if front else self.canvas.stamp
        stamp(template, x, y, self.ramps, mirrored)

    def body(self, *templates: str) -> None:
        """Stamp a body, given from the feet upwards, so that it stands on the ground."""
        y = GROUND + 1
        for template in templates:
            y -= len(template.split())
            self.part(template, y)

    def on_head(self, template: str, dy: int = 0, flips: bool = False, front: bool = False) -> None:
        """Stamp hair, a hat or a beard so many rows below the top of the head; some may turn either way."""
        self.part(template, self.head + dy, self.lean, flips and self.dice.chance(0.5), front)

    def x(self, side: int, reach: int) -> int:
        """The column so many pixels to the left (-1) or the right (1) of the middle."""
        return CENTRE - reach if side < 0 else CENTRE + self.broad + reach

    def face(self) -> None:
        """A head with eyes."""
        self.on_head(FACE)
        self.eyes()

    def eyes(self) -> None:
        """Two eyes, perhaps with blushing cheeks; a dark face shows their whites."""
        dice, y = self.dice, self.head + 3
        red, green, blue = self.ramps["k"][BASE]
        blush = (((red * 3 + 235) // 4, (green * 3 + 80) // 4, (blue * 3 + 90) // 4),) * 5
        tall, blushes, dark = dice.chance(0.75), dice.chance(0.4), red + green + blue < 400
        for side in (-1, 1):
            eye = self.x(side, 1) + self.lean
            for row in (y, y + 1) if tall or dark else (y + 1,):
                self.canvas.dot(eye, row, self.ramps["e"])
                if dark:
                    self.canvas.dot(eye + side, row, WHITE)
            if blushes and not dark:
                self.canvas.dot(eye + side, y + 1 + tall, blush)

    def arm(self, side: int, path: Path, sleeve: str = "c", hand: str = "k") -> None:
        """An arm along a path from the shoulder to the hand."""
        for reach, down in path[:-1]:
            self.canvas.dot(self.x(side, reach), self.head + 6 + down, self.ramps[sleeve], BASE if side < 0 else SHADOW)
        reach, down = path[-1]
        self.canvas.dot(self.x(side, reach), self.head + 6 + down, self.ramps[hand], BASE)

    def arms(self, *choices: Item | None, sleeve: str = "c", hand: str = "k") -> None:
        """Both arms, and perhaps one of the items in one hand."""
        self.arm(-self.side, self.dice.pick((ARM_DOWN, ARM_DOWN, ARM_HIP, ARM_UP, ARM_WAVING)), sleeve, hand)
        item = self.dice.pick(choices)
        if item is None:
            self.arm(self.side, self.dice.pick((ARM_DOWN, ARM_HIP, ARM_UP, ARM_WAVING)), sleeve, hand)
        else:
            self.hold(item, self.dice.pick((ARM_LOW, ARM_OUT, ARM_HIGH)), sleeve, hand)

    def hold(self, item: Item, path: Path, sleeve: str = "c", hand: str = "k") -> None:
        """An arm that holds an item: round its handle, or behind what is carried before the body."""
        self.item = item.name
        carried = item.name in ("shield", "book", "drum")
        path = ARM_FRONT if carried else ARM_LONG if item.name == "bow" else path
        reach, down = path[-1]
        if carried:
            self.arm(self.side, path, sleeve, hand)
        x, y = self.x(self.side, reach), self.head + 6 + down
        draw_item(self.canvas, item, x, y, self.dice, self.main, self.side < 0)
        if not carried:
            self.arm(self.side, path, sleeve, hand)

    def done(self) -> Drawing:
        """The finished hero, moved so that it stands in the middle."""
        self.canvas.centre()
        return Drawing(self.canvas, self.colour, "front", self.item)


@cache
def _broad(template: str) -> str:
    """A template with its middle column doubled."""
    return "\n".join(row[: len(row) // 2 + 1] + row[len(row) // 2 :] for row in template.split())


def knight(dice: Dice) -> Drawing:
    """A knight: closed helmet with a plume, armour under a coloured tabard."""
    hero = _Hero(dice, "red", "blue", "green", "purple", "yellow", "teal", "orange")
    hero.ramps["t"] = hero.ramps["l"] = hero.ramps["m"] = dice.pick((STEEL, STEEL, IRON))
    if dice.chance(0.5):
        hero.part(dice.pick(CAPES), hero.head + 5)
    hero.body(dice.pick(LEGS), dice.pick(TABARDS))
    hero.on_head(dice.pick(PLUMES), -2, flips=True)
    hero.on_head(dice.pick(HELMETS))
    held = (items.SWORD, items.BROADSWORD, items.SPEAR, items.KITE_SHIELD, items.HEATER_SHIELD, items.MACE, None)
    hero.arms(*held, sleeve="m", hand="m")
    return hero.done()


def mage(dice: Dice) -> Drawing:
    """A mage: tall wide-brimmed hat, long robe, staff or book."""
    hero = _Hero(dice, "blue", "purple", "red", "teal", "green", "gray", "pink", head=4)
    hero.body(dice.pick(ROBES))
    hero.face()
    hero.on_head(dice.pick(HAIRS))
    if dice.chance(0.4):
        hero.on_head(dice.pick(BEARDS), 4)
    hero.on_head(dice.pick(MAGE_HATS), -3, flips=True)
    hero.arms(items.STAFF, items.CROOK, items.CRESCENT_STAFF, items.OPEN_BOOK, items.CLOSED_BOOK, None)
    return hero.done()


def archer(dice: Dice) -> Drawing:
    """An archer: pointed hood, quiver and bow."""
    hero = _Hero(dice, "green", "brown", "teal", "red", "gray")
    hero.lean = 0  # or the bow would hide an eye
    if dice.chance(0.6):
        hero.canvas.stamp(QUIVER, hero.x(-hero.side, 4) - 1, hero.head + 4, hero.ramps)
    hero.body(dice.pick(LEGS), dice.pick(TORSOS[:3]))
    hero.face()
    hero.on_head(dice.pick(HOODS), -2, flips=True)
    hero.arms(items.BOW, items.BOW, items.BOW, items.DAGGER, None)
    return hero.done()


def ninja(dice: Dice) -> Drawing:
    """A ninja: wrapped up but for the eyes, the ends of a headband flying."""
    hero = _Hero(dice, "gray", "blue", "red", "purple", "green", head=2)
    hero.ramps["d"] = dice.pick((WHITE, GOLD, SCARLET, INK))
    hero.ramps["t"] = hero.ramps["c"]
    hero.canvas.stamp(dice.pick(KNOTS), hero.x(-hero.side, 5) - 1, hero.head + 1, hero.ramps, hero.side < 0)
    hero.body(dice.pick(LEGS[1:]), dice.pick((TORSOS[0], TORSOS[2])))
    hero.face()
    hero.on_head(dice.pick(NINJA_HEADS), flips=True)
    hero.arms(items.KATANA, items.KATANA, items.DAGGER, None)
    return hero.done()


def pirate(dice: Dice) -> Drawing:
    """A pirate: tricorn or bandana, eyepatch and cutlass."""
    hero = _Hero(dice, "red", "blue", "brown", "purple", "green")
    hero.body(dice.pick(LEGS), dice.pick(TORSOS[1:]))
    hero.face()
    hero.on_head(HAIR_SIDES, 2)
    patch = hero.x(hero.side, 1) + hero.lean
    for x, y in ((patch, 3), (patch, 4), (patch + hero.side, 3), (patch + hero.side, 4), (patch - hero.side, 2)):
        hero.canvas.dot(x, hero.head + y, hero.ramps["e"])
    if dice.chance(0.4):
        hero.on_head(dice.pick(BEARDS), 4)
    hero.on_head(dice.pick(PIRATE_HATS), -2, flips=True)
    hero.arms(items.CUTLASS, items.CUTLASS, items.DAGGER, items.LANTERN, None)
    return hero.done()


def viking(dice: Dice) -> Drawing:
    """A viking: horned helmet and a great beard, which gives the colour; axe, hammer or round shield."""
    hero = _Hero(dice, "orange", "yellow", "brown", "gray", "red")
    hero.ramps["h"] = hero.main
    hero.ramps["c"] = hero.ramps["k"] if dice.chance(0.4) else first_apart((DARK, LEAF, STEEL), hero.main)
    hero.body(dice.pick(LEGS), dice.pick(TORSOS))
    hero.face()
    hero.on_head(HAIR_SIDES, 2)
    hero.on_head(dice.pick(GREAT_BEARDS), 4)
    hero.on_head(dice.pick(HORNS), -2)
    hero.arms(items.AXE, items.DOUBLE_AXE, items.HAMMER, items.ROUND_SHIELD, items.SPEAR, None, sleeve="k")
    return hero.done()


def cleric(dice: Dice) -> Drawing:
    """A cleric: veil and shining halo, or a tall mitre; a long robe."""
    hero = _Hero(dice, "yellow", "pink", "blue", "teal", "purple", head=4)
    mitre = dice.chance(0.3)
    if not mitre:
        halo = ellipse(CENTRE + hero.broad / 2 + hero.lean, hero.head + 2, 5.6 + hero.broad / 2, 5.4)
        hero.canvas.fill(halo, GOLD, LIGHT)
    hero.body(dice.pick(ROBES))
    hero.face()
    if mitre:
        hero.on_head(HAIR_SIDES, 2)
        hero.on_head(dice.pick(MITRES), -3)
    else:
        hero.on_head(dice.pick((*VEILS, *HAIRS[1:3])))
    hero.arms(items.CLOSED_BOOK, items.OPEN_BOOK, items.LANTERN, items.CROOK, None)
    return hero.done()


def monarch(dice: Dice) -> Drawing:
    """A monarch: golden crown and a wide ermine cape."""
    hero = _Hero(dice, "red", "purple", "blue", "green", "pink")
    hero.ramps["d"] = dice.pick((WHITE, BONE, DARK, SAND))
    hero.body(dice.pick(REGALIA))
    hero.face()
    hero.on_head(dice.pick(HAIRS))
    if dice.chance(0.4):
        hero.on_head(dice.pick(BEARDS), 4)
    hero.on_head(dice.pick(CROWNS), -2)
    hero.arms(items.SCEPTRE, items.SWORD, None)
    return hero.done()


def bard(dice: Dice) -> Drawing:
    """A bard: feathered beret and a lute."""
    hero = _Hero(dice, "red", "green", "purple", "blue", "orange", "pink")
    hero.body(dice.pick(LEGS), dice.pick(TORSOS))
    hero.face()
    hero.on_head(dice.pick(HAIRS))
    feather = {"f": dice.pick((WHITE, GOLD, SCARLET, LEAF))}
    x = hero.x(hero.side, 4) - 2 + hero.lean
    hero.canvas.stamp(dice.pick(FEATHERS), x, hero.head - 2, feather, hero.side < 0)
    hero.on_head(dice.pick(BERETS), -1, flips=True)
    hero.arms(items.LUTE, items.LUTE, items.DRUM, None)
    return hero.done()


def samurai(dice: Dice) -> Drawing:
    """A samurai: flared helmet with a golden crest, square shoulder plates."""
    hero = _Hero(dice, "red", "blue", "green", "purple", "teal", "gray")
    hero.body(dice.pick(ARMOURS))
    hero.on_head(dice.pick(KABUTOS), front=True)
    hero.eyes()
    if dice.chance(0.4):
        hero.on_head(HALF_MASK, 5)
    hero.on_head(dice.pick(CRESTS), -2)
    item = dice.pick((items.KATANA, items.KATANA, items.SPEAR, None))
    if item is not None:
        hero.hold(item, ARM_HIDDEN)
    return hero.done()


KINDS: tuple[Kind, ...] = (knight, mage, archer, ninja, pirate, viking, cleric, monarch, bard, samurai)
