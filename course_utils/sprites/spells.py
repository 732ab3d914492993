"""Spells: magic things and effects that glow from within, one function a kind.

Glints hang free about most of them. What heroes and walkers hold is drawn by `items`, what one eats by `food`.
"""

from collections.abc import Iterable

import numpy as np

from .canvas import (
    COLUMNS,
    INSIDE,
    ROWS,
    Canvas,
    Mask,
    Point,
    bevel_light,
    box,
    edge_light,
    ellipse,
    line,
    polygon,
    round_light,
    shade,
    shrunk,
    unit,
    variants,
)
from .dice import Dice
from .drawing import Drawing, Kind
from .palette import BASE, BONE, GOLD, LIGHT, OUTLINE, SHADOW, SHINE, STEEL, WHITE, WOOD, Ramp, flat, named_ramp, ramp

Frame = tuple[float, float, float, float]  # the direction of the x axis, then the origin

BRIGHT = ("red", "orange", "yellow", "green", "teal", "blue", "purple", "pink")
ALL = (*BRIGHT, "brown", "gray")
CORES = {"red": "orange", "orange": "yellow", "purple": "pink"}  # fires that burn in another colour inside
GLASS = ramp(0.54, 0.13, 0.93)
EBONY = ramp(0.72, 0.25, 0.31)
COPPER = ramp(0.055, 0.55, 0.80)
STAR_TIPS = ((0, -1), (0.951, -0.309), (0.588, 0.809), (-0.588, 0.809), (-0.951, -0.309))

# e an emblem, g a stand, a an arrow, f its feathers; capitals are in shadow
EMBLEMS = variants("""
..e..  ..e..  .eee.  .eee.  .e.e.  .eee.  ..e..
.eee.  eeeee  ee...  e#e#e  eeeee  ee#ee  ..e..
eeeee  .eee.  ee...  eeeee  eeeee  .eee.  eeeee
.eee.  .e.e.  ee..e  .e.e.  .eee.  .....  ..e..
..e..  .....  .eee.  .....  ..e..  .....  ..e..
""")
STANDS = variants("""
g........g  ..........  ..........  ..........
gg......gg  ..........  .gg....gg.  .gggggggg.
.gggggggg.  ..gggggg..  gggggggggg  ...gggg...
...GggG...  .gggggggg.  gggggggggg  ...GggG...
.gggggggg.  gggggggggg  .gggggggg.  ..gggggg..
""")
ARROW = """
..........aaaa
...........aaa
..........a.aa
.........a...a
........a.....
.......a......
......a.......
.....a........
....a.........
...a..........
f.a...........
ffa...........
.fff..........
..ff..........
"""


def potion(dice: Dice) -> Drawing:
    """A potion: a corked flask of some shape, part full of a bubbling liquid."""
    canvas, colour = Canvas(), dice.pick(BRIGHT)
    liquid, cx = named_ramp(colour, dice), dice.pick((7.0, 7.5))
    body, top = _flask(dice, cx)
    neck = cx - 6  # half a neck's width: three pixels or four, as the centre allows
    flask, level = body | box(cx - neck, top - 2, cx + neck, 10), top + dice.integer(-1, 2)
    canvas.fill(flask, GLASS)
    canvas.fill(flask & box(1, level, 14, 14), liquid, round_light(body))
    canvas.fill(flask & box(1, level, 14, level), liquid, SHINE)
    for _ in range(dice.integer(2, 6)):
        x, y = dice.integer(6, 12), dice.integer(level + 2, 14)
        canvas.fill(shrunk(flask) & box(x, y, x, y), liquid, SHINE)
    glint = int(np.flatnonzero(body[10])[0]) + 1
    canvas.fill(box(glint, 9, glint, 9 + dice.integer(0, 2)), WHITE, SHINE)
    canvas.fill(box(cx - neck - 1, top - 3, cx + neck + 1, top - 3), GLASS, LIGHT)
    cork = box(cx - neck, top - dice.integer(4, 5), cx + neck, top - 4)
    canvas.fill(cork, dice.pick((WOOD, WOOD, GOLD, liquid)), edge_light)
    canvas.shift(dice.integer(0, 1), -dice.integer(0, 1) if top > 6 else 0)
    return _cast(canvas, colour, liquid, dice, dice.integer(0, 2))


def _flask(dice: Dice, cx: float) -> tuple[Mask, int]:
    """The body of a flask that stands on row 14, and its top row."""
    wide, top, shape = dice.uniform(4.3, 5.9), dice.integer(6, 7), dice.integer(0, 4)
    if shape == 0:  # a ball
        return ellipse(cx, (top + 14) / 2, wide, (15.4 - top) / 2), top
    side = (
        ((1.6, top - 0.5), (wide, 12), (wide - 1, 14.5)),  # a cone
        ((wide - 2, top - 0.5), (wide, top + 1.5), (wide, 13.5), (wide - 1, 14.5)),  # a jar
        ((3.6, top - 0.5), (3.6, 12.5), (2, 14.5)),  # a phial
        ((1.6, top - 0.5), (wide + 0.6, 10.4), (2.2, 14.5)),  # a diamond
    )[shape - 1]
    return polygon(*[(cx + x, y) for x, y in side], *[(cx - x, y) for x, y in reversed(side)]), top


def fireball(dice: Dice) -> Drawing:
    """A fireball: a blazing head and a tail of flames, flying any way."""
    canvas, colour = Canvas(), dice.pick(BRIGHT)
    fire, core = named_ramp(colour, dice), named_ramp(CORES.get(colour, colour), dice)
    (ux, uy), radius = _heading(dice), dice.uniform(3.5, 4.4)
    frame, stretch = (ux, uy, 7.5, 7.5), 1 / max(abs(ux), abs(uy))  # a diagonal of the canvas is longer than its side
    ahead = (6.5 - radius * 0.97) * stretch
    ((cx, cy),) = _placed([(ahead, 0)], frame)
    mask = ellipse(cx, cy, radius, radius)
    for side, length in ((-0.6, dice.uniform(2, 6)), (0, 6.8), (0.6, dice.uniform(2, 6))):
        tip = (-length * stretch, side * dice.uniform(3.5, 7) + dice.uniform(-0.8, 0.8))
        flame = ((ahead, (side - 0.5) * radius), tip, (ahead, (side + 0.5) * radius))
        mask |= polygon(*_placed(flame, frame))
    mask &= INSIDE
    canvas.fill(mask, fire)
    canvas.fill(shrunk(mask), fire, LIGHT)
    for share, tone in ((0.72, LIGHT), (0.45, SHINE)):
        canvas.fill(shrunk(mask) & ellipse(cx + ux / 2, cy + uy / 2, radius * share, radius * share), core, tone)
    return _cast(canvas, colour, fire, dice, dice.integer(0, 5))


def lightning(dice: Dice) -> Drawing:
    """A lightning bolt: a zigzag from the sky with a white-hot core."""
    canvas, colour = Canvas(), dice.pick(BRIGHT)
    bolt, elbow = named_ramp(colour, dice), dice.integer(6, 8)
    wide, step = dice.uniform(3.2, 4.6), dice.uniform(2.6, 3.8)
    upper, lower = dice.pick((0.5, 0.67, 0.75, 0.9)), dice.pick((0.75, 0.9, 1.0))  # how far each row leans
    mask = box(3, elbow, 3 + wide + step, elbow + 1)
    for y in range(1, elbow + 1):
        left = 3 + upper * (elbow - y)
        mask |= box(left, y, left + wide, y)
    for y in range(elbow + 1, 15):
        right = 3 + wide + step - lower * (y - elbow - 1)
        mask |= box(right - wide * (14 - y) / (13 - elbow), y, right, y)
    columns = np.flatnonzero(mask.any(0))
    mask = np.roll(mask, 7 + dice.integer(0, 1) - (columns[0] + columns[-1]) // 2, 1) & INSIDE
    mask = mask[:, :: dice.pick((-1, 1))]
    canvas.fill(mask, bolt)
    canvas.fill(mask & ~np.roll(mask, -1, 1), bolt, SHADOW)
    canvas.fill(shrunk(mask), bolt, SHINE)
    return _cast(canvas, colour, bolt, dice, dice.integer(0, 5))


def scroll(dice: Dice) -> Drawing:
    """A scroll: parchment with a sign or lines of writing, open between two rods, upright or sideways."""
    canvas, colour = Canvas(), dice.pick(ALL)
    dye, metal = named_ramp(colour, dice), dice.pick((GOLD, STEEL, COPPER))
    half, start, end, sideways = dice.integer(4, 5), dice.integer(1, 3), dice.integer(12, 13), dice.chance(0.35)
    lean = 0 if sideways else dice.pick((-0.2, -0.1, 0, 0.1, 0.2))

    def fill(mask: Mask, material: Ramp) -> None:
        """Paint a part, turned if the scroll is."""
        laid = (mask.T if sideways else mask) & INSIDE
        canvas.fill(laid, material, bevel_light)

    sheet = _leaning(8 - half, start + 1, 6 + half, end - 1, lean)
    for _ in range(dice.integer(0, 2)):  # nicks in the edges
        row = dice.integer(start + 3, end - 2)
        sheet[row, np.flatnonzero(sheet[row])[dice.pick((0, -1))]] = False
    fill(sheet, ramp(0.11, dice.uniform(0.12, 0.30), 0.94))
    for row in (start, end):
        x = 7 + int(lean * (row - 7.5) + 8.5) - 8
        fill(box(x - half - 1, row, x + half + 1, row + 1), flat(metal, SHADOW))
        fill(box(x - half, row, x + half, row + 1), dye)
    middle = (start + end + 1) // 2
    _writing(canvas, dice, dye, *((middle, 7) if sideways else (7, middle)))
    return _cast(canvas, colour, dye, dice, dice.integer(0, 3))


def _writing(canvas: Canvas, dice: Dice, dye: Ramp, x: int, y: int) -> None:
    """What a scroll says, round (x, y): an emblem or three lines."""
    if dice.chance(0.6):
        canvas.stamp(dice.pick(EMBLEMS), x - 2, y - 2, {"e": flat(dye, BASE)})
        return
    for row in (y - 2, y, y + 2):
        canvas.fill(box(x - dice.integer(1, 2), row, x + dice.integer(0, 2), row), dye, SHADOW)


def crystal(dice: Dice) -> Drawing:
    """A crystal: a cluster of faceted prisms that grow from one foot."""
    canvas, colour = Canvas(), dice.pick((*BRIGHT, "gray"))
    stone, side = named_ramp(colour, dice), dice.pick((-1, 1))
    prisms = [  # how far it leans, its length and its width, from back to front
        (side * dice.uniform(0.24, 0.42), dice.uniform(7, 10.5), dice.uniform(1.8, 2.5)),
        (-side * dice.uniform(0.22, 0.42), dice.uniform(5.5, 9), dice.uniform(1.7, 2.4)),
        (dice.uniform(-0.12, 0.12), dice.uniform(11.5, 13.4), dice.uniform(2.4, 3.3)),
        (dice.uniform(-0.3, 0.3), dice.uniform(4.5, 6.5), dice.uniform(1.5, 2.1)),
    ]
    for turn, length, wide in prisms[: dice.integer(3, 4)]:
        up, across = unit(turn)
        _prism(canvas, stone, (across, -up, 7.5 + turn * 5, 14.4), length, wide)
    return _cast(canvas, colour, stone, dice, dice.integer(0, 3))


def _prism(canvas: Canvas, stone: Ramp, frame: Frame, length: float, wide: float) -> None:
    """A pointed prism that grows along the x axis of a frame: a lit, a middle and a dark facet."""
    ux, uy, x, y = frame
    shoulder, foot = length - wide * 1.4, wide * 0.7
    outline = ((0, -foot), (shoulder, -wide), (length, 0), (shoulder, wide), (0, foot))
    mask = polygon(*_placed(outline, frame)) & INSIDE
    across = (ROWS - y) * ux - (COLUMNS - x) * uy
    canvas.part(mask, stone, shade(across < -wide * 0.2, across > wide * 0.3))
    start, end = _placed(((shoulder, -wide / 2), (shoulder * 0.6, -wide / 2)), frame)
    canvas.fill(line(start, end) & mask, stone, SHINE)


def book(dice: Dice) -> Drawing:
    """A spell book: a thick tome with an emblem, metal corners and, now and then, a bookmark."""
    canvas, colour = Canvas(), dice.pick(ALL)
    cover, metal = named_ramp(colour, dice), {"yellow": WOOD, "orange": WHITE}.get(colour, dice.pick((GOLD, WHITE)))
    left, right, top, bottom = dice.integer(2, 3), dice.integer(12, 13), dice.integer(1, 2), dice.integer(12, 14)
    lean = dice.pick((-0.2, -0.1, 0, 0, 0.1, 0.2))

    def slab(x0: float, y0: float, x1: float, y1: float) -> Mask:
        """A part of the book, leaning like the whole."""
        return _leaning(x0, y0, x1, y1, lean) & INSIDE

    front = slab(left, top, right, bottom - 3)
    canvas.fill(slab(left, top, right, bottom), cover, SHADOW)
    canvas.fill(slab(left + 1, bottom - 2, right - 1, bottom - 1), BONE)
    canvas.fill(front, cover, bevel_light)
    canvas.fill(slab(left, top, left + 1, bottom - 1), cover, SHADOW)
    for y in (top, bottom - 3):
        canvas.fill(slab(right - 1, y, right, y), metal, LIGHT)
    canvas.stamp(dice.pick(EMBLEMS), (left + right) // 2 - 1, (top + bottom) // 2 - 3, {"e": flat(metal, LIGHT)})
    if dice.chance(0.4):
        x = dice.integer(6, 9)
        canvas.fill(box(x, bottom - 2, x + 1, 14), metal)
    return Drawing(canvas, colour, facing="none")


def wand(dice: Dice) -> Drawing:
    """A wand: a slender stick with a glowing star, heart, ball or gem at its tip."""
    canvas, colour = Canvas(), dice.pick(BRIGHT)
    light, stick = named_ramp(colour, dice), dice.pick((WOOD, COPPER, EBONY, WHITE, GOLD))
    foot, turned = dice.integer(2, 5), dice.pick((-1, 1))
    shaft = (line((foot, 13), (9, 6)) | line((foot + 1, 13), (10, 6)))[:, ::turned]
    canvas.fill(shaft, stick, edge_light)
    canvas.fill(shaft & box(1, 13, 14, 13), light)
    tip = _tip(dice)[:, ::turned]
    canvas.part(tip, light)
    for tone in (LIGHT, SHINE):
        tip = shrunk(tip)
        canvas.fill(tip, light, tone)
    return _cast(canvas, colour, light, dice, dice.integer(1, 6))


def _tip(dice: Dice) -> Mask:
    """The glowing end of a wand, round (10, 5)."""
    shape, size = dice.pick(("star", "star", "heart", "ball", "gem")), dice.uniform(3.2, 4.0)
    if shape == "star":
        radius, corners = size + 0.9, []
        for (x, y), (u, v) in zip(STAR_TIPS, (*STAR_TIPS[1:], STAR_TIPS[0]), strict=True):
            corners += [(x, y), ((x + u) * 0.31, (y + v) * 0.31)]  # a tip, then the notch before the next
        return polygon(*[(10 + x * radius, 5 + y * radius) for x, y in corners])
    if shape == "heart":
        return _heart(10, 3.4, size * 0.6, 9.4)
    if shape == "ball":
        return ellipse(10, 5, size, size)
    return polygon((10, 5.5 - size * 1.25), (10.4 + size, 5), (10, 5 + size * 1.25), (9.6 - size, 5))


def ring(dice: Dice) -> Drawing:
    """A ring: a metal band with a great cut gem."""
    canvas, colour = Canvas(), dice.pick(BRIGHT)
    gem, metal = named_ramp(colour, dice), dice.pick((GOLD, GOLD, STEEL, COPPER))
    rx, ry, thick = dice.uniform(5.2, 6.2), dice.uniform(4.8, 5.5), dice.uniform(1.2, 1.9)
    band = ellipse(7.5, 14.4 - ry, rx, ry) & ~ellipse(7.5, 14.4 - ry, rx - thick, ry - thick)
    canvas.fill(band, metal, round_light)
    stone = _gem(dice)
    canvas.part(stone, gem, bevel_light)
    canvas.fill(shrunk(stone), gem, round_light)
    x, y = dice.integer(5, 6), dice.integer(2, 3)
    canvas.fill(box(x, y, x + 1, y), gem, SHINE)
    return _cast(canvas, colour, gem, dice, dice.integer(0, 4))


def _gem(dice: Dice) -> Mask:
    """The stone of a ring."""
    shape = dice.pick(("round", "brilliant", "square", "lozenge"))
    wide, low = dice.uniform(3.0, 4.2), dice.integer(5, 6)
    if shape == "round":
        return ellipse(7.5, (low + 1) / 2, wide, low / 2)
    if shape == "square":
        return box(8 - wide, 1, 7 + wide, low)
    if shape == "lozenge":
        return polygon((7.5, -0.5), (8 + wide, 3.8), (7.5, low + 1.5), (7 - wide, 3.8)) & INSIDE
    crown = ((6 - wide / 3, 0.5), (9 + wide / 3, 0.5))
    return polygon(*crown, (8 + wide, 3), (8, low + 1), (7, low + 1), (7 - wide, 3))


def snowflake(dice: Dice) -> Drawing:
    """A snowflake: six or eight arms of ice around a bright core."""
    canvas, colour = Canvas(), dice.pick(("blue", "teal", "purple", "gray", "pink"))
    ice, reach, six = named_ramp(colour, dice), dice.integer(5, 6), dice.chance(0.5)
    (r, g, b), (deep_r, deep_g, deep_b) = ice[OUTLINE], ice[SHADOW]
    frost: Ramp = (((r + deep_r) // 2, (g + deep_g) // 2, (b + deep_b) // 2), *ice[1:])
    twig = dice.integer(0, 2) if six else dice.pick((0, 2))
    quarter = line((7, 7), (7, 7 + reach)) | line((7, 7 + reach - twig), (7 + twig, 7 + reach))
    if six:
        quarter |= line((7, 7), (dice.integer(12, 13), 10))
        quarter |= dice.pick((box(10, 10, 10, 10), box(12, 8, 12, 10), box(8, 9, 8, 9), box(7, 7, 8, 8)))
    else:
        quarter |= line((7, 7), (4 + reach, 4 + reach))
        quarter |= quarter.T
    half = quarter[:15, :15] | quarter[14::-1, :15]
    core = dice.uniform(0.8, 2.0)
    mask = ellipse(7, 7, core, core)
    mask[:15, :15] |= half | half[:, ::-1]
    for tone, radius in ((BASE, 9), (LIGHT, core + dice.uniform(1, 3)), (SHINE, core + 0.7)):
        canvas.fill(mask & ellipse(7, 7, radius, radius), frost, tone)
    canvas.shift(dice.integer(0, 1), dice.integer(0, 1))
    return _cast(canvas, colour, ice, dice, dice.integer(0, 3))


def orb(dice: Dice) -> Drawing:
    """An orb: a crystal ball on a stand, with a sign or a light inside."""
    canvas, colour = Canvas(), dice.pick(BRIGHT)
    light, metal = named_ramp(colour, dice), dice.pick((GOLD, STEEL, COPPER, WOOD))
    radius, stand = dice.uniform(4.5, 5.5), dice.pick(STANDS)
    cy = 11.7 - radius
    ball = ellipse(7.5, cy, radius, radius)
    canvas.stamp(stand, 3, 10, {"g": metal})
    canvas.part(ball, light, SHADOW)
    canvas.fill(ball & ellipse(7, cy - 0.5, radius - 0.6, radius - 0.6), light)
    if dice.chance(0.5):
        canvas.stamp(dice.pick(EMBLEMS), dice.integer(5, 6), int(cy) - 1, {"e": flat(light, SHINE)})
    else:
        x, y = dice.uniform(7, 8.5), cy + dice.uniform(0, 1)
        for tone, share in ((LIGHT, 0.55), (SHINE, 0.3)):
            canvas.fill(ball & ellipse(x, y, radius * share, radius * share), light, tone)
    x, y = int(7.5 - radius * 0.6), int(cy - radius * 0.5)
    canvas.fill(box(x, y, x, y + 1) | box(x + 1, y - 1, x + 1, y - 1), light, SHINE)
    canvas.shift(dice.integer(-1, 1), 0)
    return _cast(canvas, colour, light, dice, dice.integer(0, 5))


def heart(dice: Dice) -> Drawing:
    """A heart: a glowing heart of magic, plain, set in metal or pierced by an arrow."""
    canvas, colour = Canvas(), dice.pick(("red", "pink", "red", "pink", *BRIGHT))
    blood, metal = named_ramp(colour, dice), dice.pick((GOLD, GOLD, STEEL))
    dress, slip = dice.pick(("plain", "set", "pierced")), dice.integer(-1, 1)
    lobe, top, low = dice.uniform(2.8, 3.4), dice.integer(1, 2), dice.uniform(12.4, 14.4)
    if dress == "set":
        lobe = min(lobe + 0.4, 3.5)
    elif dress == "pierced":
        lobe, top, low = lobe - 0.5, top + 1, low - 0.4
        canvas.stamp(ARROW, 1, 1, {"a": metal, "f": WHITE}, mirrored=dice.chance(0.5))
    high = top + lobe - 0.45  # the lobes' tops are flat, never horns
    mask = _heart(7.5, high, lobe, low)
    canvas.part(mask, metal if dress == "set" else blood, round_light)
    if dress == "set":
        canvas.fill(shrunk(mask), blood, round_light)
    x, y = int(7.5 - lobe), top + 1
    canvas.fill(box(x, y, x + 1, y) | box(x, y, x, y + 1), blood, SHINE)
    if dress != "pierced" and lobe < 3.2:
        canvas.shift(slip, 0)
    return _cast(canvas, colour, blood, dice, dice.integer(0, 5))


def _heart(cx: float, high: float, lobe: float, low: float) -> Mask:
    """A heart: two lobes round row `high` and a point on row `low`."""
    point = polygon((cx - lobe * 1.95, high + 0.7), (cx + lobe * 1.95, high + 0.7), (cx + 0.5, low), (cx - 0.5, low))
    return (point | ellipse(cx - lobe, high, lobe, lobe) | ellipse(cx + lobe, high, lobe, lobe)) & INSIDE


def tornado(dice: Dice) -> Drawing:
    """A tornado: turning rings of wind, each a little out of line, down to a narrow foot."""
    canvas, colour = Canvas(), dice.pick(ALL)
    wind, wide, slant = named_ramp(colour, dice), dice.uniform(4.8, 5.8), dice.pick((-0.5, 0.5))
    bend, foot, flare, y = dice.uniform(-2, 2), dice.uniform(-2, 2), dice.uniform(0.1, 0.6), 1
    while y < 15:
        rise, high = (14 - y) / 13, dice.integer(2, 3) if y > 1 else 2
        cx = 7.5 + (foot * rise + bend * (1 - 2 * rise)) * (1 - rise) + dice.uniform(-0.8, 0.8)
        half = 1.2 + (wide - 1.2) * rise * (1 - flare * (1 - rise))
        crest = box(cx + slant - half, y, cx + slant + half, y) & INSIDE
        ring = crest | box(cx - slant - half, y + 1, cx - slant + half, y + high - 1) & INSIDE
        canvas.fill(ring, wind, round_light)
        canvas.fill(crest & box(1, y, cx - half * 0.4, y), wind, SHINE)
        y += high + 1
        gap = box(cx - half + 1, y - 1, cx + half - 1, y - 1) & INSIDE
        canvas.fill(gap, wind, OUTLINE if high == 2 else SHADOW)
    return _cast(canvas, colour, wind, dice, dice.integer(0, 4))


def _heading(dice: Dice) -> Point:
    """Any direction."""
    ux, uy = unit(dice.uniform(-0.41, 0.41))
    return dice.pick(((ux, uy), (-uy, ux), (-ux, -uy), (uy, -ux)))


def _placed(points: Iterable[Point], frame: Frame) -> list[Point]:
    """Points of a frame, in pixels."""
    ux, uy, cx, cy = frame
    return [(cx + x * ux - y * uy, cy + x * uy + y * ux) for x, y in points]


def _leaning(x0: float, y0: float, x1: float, y1: float, lean: float) -> Mask:
    """A rectangle whose sides lean about the middle of the canvas."""
    top, bottom, a, b = y0 - 0.5, y1 + 0.5, (y0 - 8) * lean, (y1 - 7) * lean
    return polygon((x0 - 0.5 + a, top), (x1 + 0.5 + a, top), (x1 + 0.5 + b, bottom), (x0 - 0.5 + b, bottom))


def _cast(canvas: Canvas, colour: str, light: Ramp, dice: Dice, sparks: int) -> Drawing:
    """The finished drawing, with glints in a bright outline hanging free about it, where there is room for them."""
    for _ in range(sparks):
        x, y = dice.pick((1, 2, 3, 4, 11, 12, 13, 14)), dice.integer(1, 14)
        if not canvas.filled[max(y - 2, 0) : y + 3, max(x - 2, 0) : x + 3].any():
            canvas.dot(x, y, (light[BASE], *light[1:]), SHINE)
    return Drawing(canvas, colour, facing="none")


KINDS: tuple[Kind, ...] = (
    potion, fireball, lightning, scroll, crystal, book, wand, ring, snowflake, orb, heart, tornado,
)  # fmt: skip
