"""Walkers: people and animals in profile, caught in mid-step, one function a kind.

Everything is drawn walking left; `_Walker` mirrors it for those who walk right, and the light stays at the upper left.
"""

from .canvas import SIZE, Canvas, round_light, silhouette, variants
from .dice import Dice
from .drawing import Drawing, Kind
from .items import AXE, CRESCENT_STAFF, CROOK, FLOWER, LAMP, SCEPTRE, SPEAR, STAFF, SWORD, TORCH, Item, draw_item
from .palette import (
    BLACK,
    BONE,
    GOLD,
    LEATHER,
    LIGHT,
    SHADOW,
    STEEL,
    WHITE,
    Ramp,
    flat,
    hair_beside,
    named_ramp,
    ramp,
    skin_ramp,
)

# For each main colour the colour of what goes with it: belts, scarves, linings.
MATCH = {
    "red": "gray", "orange": "teal", "yellow": "brown", "green": "brown", "teal": "orange",
    "blue": "yellow", "purple": "yellow", "pink": "purple", "brown": "green", "gray": "red",
}  # fmt: skip

NIGHT = ramp(0.64, 0.32, 0.40)
SACK = ramp(0.085, 0.50, 0.74)
RED = ramp(0.985, 0.78, 0.86)
BEAK = ramp(0.09, 0.86, 0.98)
BLUSH = ramp(0.97, 0.34, 0.96)
THREAD: Ramp = ((255, 255, 255), *((90, 84, 110),) * 4)  # an outline as white as the paper: the thread stays thin
COMMON = {"i": BLACK, "w": WHITE, "g": GOLD, "s": STEEL, "l": LEATHER}

# i the dark of an eye, w white, g gold, s steel, l leather; the others are given where a template is stamped, mostly:
# k skin, h hair, c cloth, m its match, t trousers, b boots, o fur. Capitals are in shadow.
FACE = ".kiwk .kikk kkkkk .kkkk"
STRIDE = variants("""
..tttt..  ..tttt..  ..tttt..  ..tttt..  ..tttt..
..ttTT..  ..ttTT..  ..TTtt..  ..TTtt..  ..ttTT..
.tt..TT.  ..tt.TB.  .TT..tt.  ..TT.tb.  .bb.TT..
bbb...BB  .bbb.B..  BBB...bb  .BBB.b..  ...BBB..
""")
RUNNER_HEAD, FOX_HEAD, CAT_HEAD = variants("""
..ccccc.  ..o..o.  ..o..o.
.ccccccc  ..oo.oo  .oo.oo.
.ccccccc  ..ooooo  .oooooo
.kiwkccc  .owiooo  .oiwooo
.kikkccc  ooiiooo  .oioooo
ccccccc.  iwwwooo  nwwoooo
.ccccc..  ..wwwoo  .wwwoo.
""")
SHUFFLE = ("bb...BB.", ".bb.BB..", "..bbb...", "BB...bb.")
SWING = variants("""
...aa  ....a  ....a  ....a
kaaa.  ..aaa  ...aa  ....a
.....  .k...  ...k.  ....k
""")
HAIR = variants("""
hhh.  hhh.  hhhh  hhh.
hhh.  hhhh  hhhh  hhh.
.h..  ..hh  hhhh  hhh.
....  ...h  .hh.  hhh.
""")
HATS = variants("""
....fff...  .......w..  ..........  ..........
...ffff...  ...fffw...  ....ffff..  ...hhhhh..
...mmmm...  ..mmmmm...  ...ffffff.  ..hhhhhhh.
.ffffffff.  ffffffffff  mmmffffff.  ..fffffff.
""")
PACKS = variants("""
.....  .mmm.  mmmm.  .....
.....  mmmmm  pplpM  ..p..
.ppp.  ppppp  pplpp  .ppp.
ppppp  pPlPp  pPlPp  ppPpp
pPlPp  ppppp  ppppp  .ppp.
ppppp  .ppp.  ppppp  .....
""")
HELMETS = variants("""
...pppp..  .........  bb...bb..  .....p...
..sspppp.  ...sss...  bb...bb..  ....pps..
.sssssppp  ..sssss..  .bsssbb..  ..ssssss.
.ssssssp.  ..sssss..  .ssssss..  .sssssss.
ggggggg..  sssssssss  .ggggggg.  .iiiigss.
.....ss..  .....ss..  .....sss.  .iwiigss.
.....ss..  .....ss..  .....ss..  .ssiigss.
.........  .........  .........  .sisisss.
""")
CAPES = variants("""
c...  c...  c...
cc..  cc..  ccc.
cc..  ccc.  cccc
ccc.  cccc  .ccc
ccc.  .ccc  ....
""")
WIZARD_HATS = variants("""
......ff..  ....f.....  ..........  .......f..
....ffff..  ....ff....  .....fff..  .....fff..
....fff...  ...fff....  ...fffff.f  ....ffff..
...ffff...  ...ffff...  ...ffff.ff  ...fffff..
..mmmmm...  ..mmmmm...  ..mmmmm...  ..mmmmm...
ffffffffff  .fffffffff  ffffffffff  fffffffff.
""")
ROBES = variants("""
..cccc...  ..cccc...  ..cccc...
..ccccc..  ..ccccc..  .ccccc...
.cccccc..  .ccccccc.  .cccccc..
.mmmmmm..  .mmmmmmmm  mmmmmmm..
""")
BEARDS = variants("""
hhhh  .hhh  .hh.  ....
hhh.  hhhh  ....  ....
hh..  hhh.  ....  ....
h...  .h..  ....  ....
""")
LONG_HAIR = variants("""
.hhhhh....  .hhhhh....  .hhhhh....  ..hhhhh...
.hhhhhh...  .hhhhhh...  .hhhhhh...  .hhhhhhhh.
....hhhh..  ....hhhh..  ....hhh...  ....hhh.hh
....hhhh..  ....hhhhh.  ....hhhhh.  ....hhh..h
....hhhh..  ....hhhhh.  ......hhhh  .....h..hh
....hhhhh.  .....hhhhh  ........hh  ........hh
.....hhhh.  ......hhhh  .......hh.  .........h
.....hhhh.  .......hh.  ..........  ..........
......hh..  ..........  ..........  ..........
""")
GOWNS = variants("""
..ccc.....  ..ccc.....  ..ccc.....
..ccc.....  ..ccc.....  ..ccc.....
..mmmm....  ..mmmm....  ..mmmm....
.cccccc...  .ccccccc..  ..ccccc...
.ccccccc..  .cccccccc.  .ccccccc..
cccccccc..  cccccccccc  cccccccccc
""")
COATS = variants("""
...ccc...  ..cccc...  ...cccc..
..ccccc..  ..ccccc..  ..cccccc.
..cccccc.  .cccccc..  ..ccccccc
.ccccccc.  .cccccc..  ..ccccccc
.cccccc..  .cccccc..  .ccccccc.
.cccccc..  .cccccc..  .cccccc..
.mmmmmm..  .mmmmm...  .mmmmmm..
""")
RUN = variants("""
...tttt...  ...tttt...  ...tttt...  ...tttt...
..ttTTT...  ..ttTTTBB.  ..TTttt...  ..TTtttbb.
.tt...TTB.  .tt....B..  .TT...ttb.  .TT....b..
bb......B.  bbb.......  BB......b.  BBB.......
""")
SCARVES = variants("""
.......  ......m  .......  ...mm..
mmmmm..  mmm.mm.  mmmm...  .mm.mmm
..mmmmm  .mmmm..  .mmmmmm  mmm....
.....mm  ...m...  ...mmm.  .......
""")
BACK_SWORD = "....g ...l. .gl.. .sg.. s...."
CHILD_HAIR = variants("""
.hhhh..  ..hhhh.  .cccc..  ....hhh
hhhhhh.  .hhhhhh  .ccccc.  .hhhhhh
hhhhhh.  .hhhhhh  cccccc.  hhhhhh.
...hhh.  ...hhhh  ...hhh.  ...hhh.
...hhh.  ....hhh  ....hh.  ....hh.
....h..  .....hh  .......  .......
""")
BALLOONS = variants("""
.bbb.  bb.bb  b...b
bwbbb  bwbbb  bbbbb
bbbbb  bbbbb  bwbbb
bbbbb  bbbbb  bbbbb
.bbb.  .bbb.  .bbb.
..b..  ..b..  ..b..
""")
WAVES = variants("""
....k  ...ak  .....
..aa.  aaa..  aa..k
aa...  .....  ..aa.
""")
ROBOTS = variants("""
......e...  ..........  ...e..e...
......s...  ...ccccc..  ...s..s...
.cccccccc.  ..ccccccc.  .ccccccccc
.ccccccsc.  iicccccsc.  .ccccccccc
iiiiccSsc.  eeiccccsc.  .iiiiicssc
ieeiccccc.  eeiccccsc.  .ieeiicssc
iiiicccCC.  iicccccCC.  .iiiiicccC
..iiiiii..  ..iiiii...  ...iiiii..
.ccccccc..  .ccccccs..  .cccccccs.
.cccceeCs.  .cceccCs..  .ccssscCs.
..ccccCC..  .ccccCC...  .ccsssCC..
""")
TROT = variants("""
.oO....oO.  ..oO..oO..  ..oO...oO.  .oO....oO.  ..Oo..oO..
.oO....oO.  ..oO..oO..  ..oO...oO.  .oO....oO.  ..Oo...oO.
oO......oO  ..o.O.oO..  ..oO...oO.  oO.....oO.  .O.o...o.O
bB......bB  .bb.B.bB..  .bB...bB..  .......bB.  .B.b...b.B
""")
FOX_BODIES = variants("""
ooooooo.  oooooooo
oooooooo  oooooooo
wooooooo  woooooo.
wwoooooo  wwooooo.
""")
FOX_TAILS = variants("""
..ww  ....  ww..  ....
.oww  ....  www.  .oo.
oow.  .oo.  ooo.  oooo
oo..  oooo  .oo.  ooow
o...  oowo  .oo.  .oww
....  .wwo  oo..  ..ww
""")
CAT_BODIES = variants("""
ooooooo.  oOoOoOo.  ooooooo.
oooooooo  oOoOoOoo  wwoooooo
oooooooo  oooooooo  wwwwoooo
""")
CAT_TAILS = variants("""
oo.  .oo  .o.  ...  .O.
o..  .O.  .o.  .oo  .o.
o..  o..  .oo  o.o  .O.
o..  O..  ..o  o..  o..
o..  oo.  .oo  o..  O..
o..  .o.  oo.  oo.  o..
""")
HEN_HEADS = variants("""
..rr..  ..r.r.  ...rr.  ......
..rrr.  ..rrrr  ..rrrr  ...rr.
..oooo  ..oooo  ..oooo  ..oooo
..oiwo  ..oiwo  ..oiwo  ..oiwo
yyoioo  yyoioo  yyoioo  yyoioo
yyoooo  yyoooo  .yoooo  yyoooo
..rroo  ..rroo  ..rroo  ..oooo
..rooo  ..rooo  ..rooo  ..oooo
""")
HEN_BODIES = variants("""
.........o.  .........oo  ........oo.  ...........
........oo.  .......ooo.  .......oooo  .........oo
ooo...oooo.  ooo...ooooo  ooo..oooo.o  ooooooooooo
oooooooooo.  oooooooooo.  oooooooooo.  oooooooooo.
oooooooooo.  oooooooooo.  oooooooooo.  oooooooooo.
oooOOOooo..  ooOOOOOoo..  oooOOOooo..  ooOOOOooo..
.ooOOooo...  .ooOOOooo..  .ooOOOoo...  .ooOOoooo..
..ooooo....  ..oooooo...  ..ooooo....  ...ooooo...
""")
HEN_LEGS = variants("""
..l..l..  ..l.l...  ...l....  ..l..l..  ...ll...
.l...l..  ..l.l...  ..ll.l..  ..l...l.  ...l.l..
ll..ll..  .llll...  .ll.....  .ll..ll.  ..llll..
""")
HORSE_HEAD = """
....o.....
...ooom...
..oiwomm..
.ooiooomm.
ooooooomm.
io..ooommm
....oooomo
....oooooo
.....oooo.
"""
HORSE_LEGS = variants("""
oO....oO  oO....oO  oO....oO  oO....oO  Oo....oO
oO....oO  oO....oO  oO....oO  oO....oO  Oo....oO
oO....oO  .o....Oo  oO....oO  O.o...oO  O.o...Oo
oO....oO  .bO..O.o  .o....oO  B.o...oO  O.o..O.o
bB....bB  ..B..B.b  .b....bB  .b...bB.  B.b..B.b
""")
HORSE_TAILS = variants("""
m..  mm.  mmm
mm.  .mm  ..m
.m.  ..m  ...
.m.  ..m  ...
.m.  ...  ...
""")
CAPS = variants("""
....cccc....  .............  .....cc....
..ccwwcccc..  ....ccccc....  ....cccc...
.ccwwccccww.  ..ccwwccccc..  ...cwwccc..
.cccccwcccc.  .cccwwcccwwc.  ..ccwwcccc.
ccccccccccww  cccccccccwwcc  ..cccccwcc.
ccCCCCCCCCcc  CCccCCCCCCCCC  ccccccccccc
""")


class _Walker:
    """A canvas on which everything is drawn walking left; facing right it comes out mirrored."""

    def __init__(self, dice: Dice, *colours: str) -> None:
        self.canvas, self.dice = Canvas(), dice
        self.right = dice.chance(0.5)
        self.colour = dice.pick(colours)
        self.cloth, self.match = named_ramp(self.colour, dice), named_ramp(MATCH[self.colour], dice)
        self.skin = skin_ramp(dice)
        self.hair = hair_beside(self.skin, dice)
        self.item, self.bob = "none", 0

    def stamp(self, template: str, x: int, y: int, /, **ramps: Ramp) -> None:
        """Stamp a template, lowered by the bob of the step."""
        self.canvas.stamp(template, *self._corner(template, x, y), COMMON | ramps, self.right)

    def rounded(self, template: str, x: int, y: int, /, **ramps: Ramp) -> None:
        """Stamp a template whose first material is lit as one round body; the others lie on it."""
        body = next(iter(ramps))
        self.canvas.fill(silhouette(template, *self._corner(template, x, y), self.right), ramps[body], round_light)
        self.stamp(template.replace(body, "."), x, y, **ramps)

    def legs(self, strip: tuple[str, ...], x: int, y: int, /, **ramps: Ramp) -> None:
        """Legs at one moment of a step; what is drawn afterwards bobs up and down over them."""
        self.stamp(self.dice.pick(strip), x, y, **ramps)
        self.bob = self.dice.integer(0, 1)

    def arm(self, x: int, y: int, sleeve: Ramp, hand: Ramp, *choices: Item | None) -> None:
        """The near arm with its fist at (x, y) around one of the items; with None it swings freely."""
        item = self.dice.pick(choices)
        if item is None:
            self.stamp(self.dice.pick(SWING), x, y - 1, a=sleeve, k=hand)
        else:
            self.item = item.name
            grip = SIZE - 1 - x if self.right else x
            draw_item(self.canvas, item, grip, y + self.bob, self.dice, self.match, mirrored=not self.right)
            self.stamp("...aa kaaa.", x, y - 1, a=sleeve, k=hand)

    def done(self) -> Drawing:
        """The drawing, moved to the middle of the canvas, give or take a pixel."""
        self.canvas.centre(2 * self.dice.integer(-1, 1))
        return Drawing(self.canvas, self.colour, "right" if self.right else "left", self.item)

    def _corner(self, template: str, x: int, y: int) -> tuple[int, int]:
        """Where a template's upper left corner comes to lie, after the mirror and the bob."""
        return SIZE - x - len(template.split()[0]) if self.right else x, y + self.bob


def traveller(dice: Dice) -> Drawing:
    """A traveller: a hat, a heavy backpack, perhaps a staff or a light."""
    walker = _Walker(dice, "red", "green", "blue", "teal", "orange", "purple")
    walker.legs(STRIDE, 3, 11, t=dice.pick((NIGHT, walker.match)), b=LEATHER)
    walker.stamp(dice.pick(PACKS), 10, 6, p=SACK, m=walker.match)
    walker.stamp(".ccc. ccccc lllll", 5, 9, c=walker.cloth)
    walker.stamp(dice.pick(HAIR), 8, 5, h=walker.hair)
    walker.stamp(FACE, 4, 5, k=walker.skin)
    walker.stamp(dice.pick(HATS), 2, 1, f=walker.cloth, m=walker.match, h=walker.hair)
    walker.arm(2, 10, flat(walker.cloth, LIGHT), walker.skin, None, None, CROOK, LAMP, TORCH)
    return walker.done()


def guard(dice: Dice) -> Drawing:
    """A guard: a steel helmet, a cape, a spear or a sword."""
    walker = _Walker(dice, "red", "blue", "green", "purple", "teal")
    walker.legs(STRIDE, 4, 11, t=NIGHT, b=STEEL)
    walker.stamp(dice.pick(CAPES), 11, 9, c=flat(walker.cloth, SHADOW))
    walker.stamp(".ccc. ccccc ggggg", 6, 9, c=walker.cloth)
    walker.stamp(FACE, 5, 5, k=walker.skin)
    walker.rounded(dice.pick(HELMETS), 5, 1, s=STEEL, p=walker.cloth, b=BONE)
    walker.arm(3, 10, STEEL, walker.skin, SPEAR, SPEAR, SWORD, AXE)
    return walker.done()


def wizard(dice: Dice) -> Drawing:
    """A wizard: a tall pointed hat, a long robe, a staff."""
    walker = _Walker(dice, "blue", "purple", "red", "teal", "green", "pink")
    walker.legs(SHUFFLE, 5, 14, b=LEATHER)
    walker.bob = 0  # a hem keeps to the ground
    walker.rounded(dice.pick(ROBES), 5, 10, c=walker.cloth, m=walker.match)
    walker.stamp(dice.pick(HAIR), 9, 7, h=walker.hair)
    walker.stamp(FACE, 5, 7, k=walker.skin)
    walker.stamp(dice.pick(BEARDS), 6, 10, h=walker.hair)
    walker.rounded(dice.pick(WIZARD_HATS), 3, 1, f=walker.cloth, m=walker.match)
    walker.arm(3, 12, walker.cloth, walker.skin, STAFF, CROOK, CRESCENT_STAFF)
    return walker.done()


def princess(dice: Dice) -> Drawing:
    """A princess: a crown, long hair in the wind, a gown with a train."""
    walker = _Walker(dice, "pink", "red", "purple", "blue", "yellow", "teal", "green")
    walker.legs(SHUFFLE, 4, 14, b=walker.match)
    walker.bob = 0  # a hem keeps to the ground
    walker.rounded(dice.pick(GOWNS), 3, 8, c=walker.cloth, m=walker.match)
    walker.rounded(dice.pick(LONG_HAIR), 4, 3, h=walker.hair)
    walker.stamp(FACE, 4, 4, k=walker.skin)
    walker.stamp(dice.pick(("g.g.g ggggg", "..g.. ggggg")), 5, 1)
    walker.arm(2, 9, flat(walker.cloth, LIGHT), walker.skin, None, None, SCEPTRE, FLOWER)
    return walker.done()


def elder(dice: Dice) -> Drawing:
    """An elder: bent over his cane, bald, with a white beard."""
    walker = _Walker(dice, "brown", "green", "gray", "blue", "purple", "red")
    walker.legs(STRIDE, 5, 11, t=NIGHT, b=LEATHER)
    walker.rounded(dice.pick(COATS), 5, 5, c=walker.cloth, m=walker.match)
    walker.stamp("..kkk. .kkkkk", 3, 2, k=walker.skin)
    walker.stamp(".wiwk .kikk kkkkk wwwkk", 3, 4, k=walker.skin)
    walker.stamp(".h hh hh h.", 7, 3, h=WHITE)
    walker.stamp(dice.pick(BEARDS), 4, 8, h=WHITE)
    walker.stamp("pp p. p. p. p.", 2, 10 - walker.bob, p=SACK)
    walker.stamp("...aa kaaa.", 2, 9, a=flat(walker.cloth, LIGHT), k=walker.skin)
    walker.item = "cane"
    return walker.done()


def runner(dice: Dice) -> Drawing:
    """A runner: masked like a ninja, with a scarf streaming behind."""
    walker = _Walker(dice, "gray", "purple", "blue", "red", "green")
    walker.legs(RUN, 2, 11, t=walker.cloth, b=NIGHT)
    if dice.chance(0.4):
        walker.item = "sword"
        walker.stamp(BACK_SWORD, 8, 3)
    walker.stamp(".cccc ccccc mmmmm", 5, 9, c=walker.cloth, m=walker.match)
    walker.stamp(dice.pick(SCARVES), 8, 7 + dice.integer(0, 1), m=walker.match)
    walker.rounded(RUNNER_HEAD, 1, 2, c=walker.cloth, k=walker.skin)
    walker.stamp(dice.pick(SWING), 2, 9, a=flat(walker.cloth, LIGHT), k=walker.skin)
    return walker.done()


def child(dice: Dice) -> Drawing:
    """A child: small, with a balloon on a string: a round one, a heart, a bear."""
    walker = _Walker(dice, "red", "orange", "yellow", "green", "blue", "pink")
    walker.legs(STRIDE, 2, 11, t=NIGHT, b=LEATHER)
    walker.stamp(".ccc. ccccc", 4, 10, c=walker.cloth)
    walker.stamp(dice.pick(CHILD_HAIR), 2, 4, h=walker.hair, c=walker.cloth)
    walker.stamp(FACE, 2, 6, k=walker.skin)
    walker.stamp("t t t t", 12, 6, t=THREAD)
    walker.rounded(dice.pick(BALLOONS), 10, 1 + dice.integer(0, 1) - walker.bob, b=walker.cloth)
    walker.stamp(dice.pick(WAVES), 8, 9, a=walker.cloth, k=walker.skin)
    walker.item = "balloon"
    return walker.done()


def robot(dice: Dice) -> Drawing:
    """A robot: a box on legs with one glowing eye and an antenna."""
    walker = _Walker(dice, "gray", "teal", "orange", "blue", "yellow", "red")
    walker.legs(STRIDE, 3, 11, t=STEEL, b=walker.cloth)
    walker.stamp(dice.pick(ROBOTS), 3, 1, c=walker.cloth, e=walker.match)
    walker.arm(1, 11, STEEL, STEEL, None, None, FLOWER)
    return walker.done()


def fox(dice: Dice) -> Drawing:
    """A fox: a pointed snout, big ears, a bushy tail."""
    walker = _Walker(dice, "orange", "gray", "brown", "red")
    walker.legs(TROT, 3, 11, o=walker.cloth, b=NIGHT)
    walker.stamp(dice.pick(FOX_TAILS), 11, 4 + dice.integer(0, 1), o=walker.cloth)
    walker.rounded(dice.pick(FOX_BODIES), 4, 7, o=walker.cloth)
    walker.rounded(FOX_HEAD, 1, 2 + dice.integer(0, 1), o=walker.cloth)
    return walker.done()


def cat(dice: Dice) -> Drawing:
    """A cat: a round head, a pink nose, the tail straight up."""
    walker = _Walker(dice, "orange", "gray", "brown")
    walker.legs(TROT, 3, 11, o=walker.cloth, b=dice.pick((walker.cloth, WHITE)))
    walker.stamp(dice.pick(CAT_TAILS), 11, 3 + dice.integer(-1, 1), o=walker.cloth)
    walker.rounded(dice.pick(CAT_BODIES), 4, 8, o=walker.cloth)
    walker.rounded(CAT_HEAD, 1, 3 + dice.integer(-1, 0), o=walker.cloth, n=BLUSH)
    return walker.done()


def hen(dice: Dice) -> Drawing:
    """A hen: a beak, a red comb, tail feathers up."""
    walker = _Walker(dice, "brown", "orange", "yellow", "gray")
    walker.legs(HEN_LEGS, 5, 12, l=BEAK)
    walker.rounded(dice.pick(HEN_BODIES), 4, 5, o=walker.cloth)
    walker.rounded(dice.pick(HEN_HEADS), 2 - dice.integer(0, 1), 1 + dice.integer(0, 1), o=walker.cloth, y=BEAK, r=RED)
    return walker.done()


def horse(dice: Dice) -> Drawing:
    """A horse: a long neck, a mane, a tail; sometimes the horn of a unicorn."""
    walker = _Walker(dice, "brown", "gray", "orange", "pink", "purple", "teal")
    mane = hair_beside(walker.cloth, dice)
    walker.legs(HORSE_LEGS, 5, 10, o=walker.cloth, b=NIGHT)
    walker.stamp(dice.pick(HORSE_TAILS), 12, 7, m=mane)
    walker.rounded("oooooooo oooooooo .ooooooo", 5, 7, o=walker.cloth)
    nod = dice.integer(0, 1)
    walker.rounded(HORSE_HEAD, 1, 1 + nod, o=walker.cloth, m=mane)
    if walker.colour in ("pink", "purple", "teal"):
        walker.stamp("g.. .g.", 2, 1 + nod)
    return walker.done()


def toadstool(dice: Dice) -> Drawing:
    """A toadstool: a spotted cap on little legs."""
    walker = _Walker(dice, "red", "orange", "brown", "purple", "blue", "green")
    walker.legs(STRIDE, 4, 11, t=BONE, b=LEATHER)
    walker.rounded(".kkkkkk .kkkkkk .kkkkkk .kkkkkk .kkkkkk", 4, 7, k=BONE)
    walker.stamp(".kiwk .kikk kkkpk", 4, 7, k=BONE, p=BLUSH)
    walker.rounded(dice.pick(CAPS), 2, 1, c=walker.cloth)
    if dice.chance(0.6):
        walker.arm(2, 10, BONE, BONE, LAMP, LAMP, SPEAR)
    return walker.done()


KINDS: tuple[Kind, ...] = (
    traveller, guard, wizard, princess, elder, runner, child, robot, fox, cat, hen, horse, toadstool,
)  # fmt: skip
