"""Food: things to eat, one function a kind.

Each is drawn about the middle of the canvas and moved there when it is served. Magic things have a file of their own.
"""

from collections.abc import Callable

import numpy as np

from .canvas import (
    COLUMNS,
    SIZE,
    Canvas,
    Mask,
    Point,
    box,
    edge_light,
    ellipse,
    line,
    polygon,
    round_light,
    slant_light,
    unit,
)
from .dice import Dice
from .drawing import Drawing, Kind
from .palette import BASE, BONE, GOLD, INK, LEAF, LIGHT, OUTLINE, SHADOW, SHINE, WHITE, WOOD, Ramp, named_ramp, ramp

CREAM = ramp(0.115, 0.20, 0.99)
DOUGH = ramp(0.080, 0.58, 0.84)
WAFFLE = ramp(0.095, 0.56, 0.94)
SPONGE = ramp(0.115, 0.46, 0.96)
CHOCOLATE = ramp(0.040, 0.58, 0.40)
TOMATO = ramp(0.995, 0.78, 0.90)
LETTUCE = ramp(0.29, 0.66, 0.80)
PATTY = ramp(0.040, 0.58, 0.34)
SPRINKLES = (*(ramp(hue, 0.55, 1.0) for hue in (0.98, 0.14, 0.38, 0.56)), WHITE)

# l leaf, c cream, f flame, k chocolate, r red, s stalk, w white; capitals are in shadow
LEAF_SHAPE = "..lll .llLL lLL.."
VINE_LEAF = ".l.l.. llllll .llLLl ..LLL."
CHERRY = "..s .s. rrr rrr rrr"
CANDLE = "f w r w r"
CREAM_SWIRL = "..... ..r.. .ccC. cccCC"
FLAKE = "..k .kk kk. k.."
TOPPINGS = {"c": CREAM, "f": GOLD, "k": CHOCOLATE, "r": TOMATO, "s": LEAF, "w": WHITE}


def apple(dice: Dice) -> Drawing:
    """An apple: two lobes and a stem, often a leaf, sometimes bitten, now and then down to the core."""
    canvas, colour = Canvas(), dice.pick(("red", "green", "yellow", "pink"))
    skin, spread, ry = named_ramp(colour, dice), dice.uniform(1.7, 2.4), dice.uniform(4.4, 5.2)
    rx, slant = dice.uniform(3.7, 4.5), dice.uniform(-0.6, 0.6)
    body = ellipse(7.5 - spread, 9 - slant, rx, ry) | ellipse(7.5 + spread, 9 + slant, rx, ry)
    flesh = np.zeros_like(body)
    for side in dice.pick(((), (), (), (1,), (-1,), (1, -1))):
        body, fresh = _bitten(body, 7.5 + side * (spread + rx - dice.uniform(0, 0.7)), dice.uniform(8, 9.5), dice)
        flesh |= fresh
    canvas.fill(body, skin, round_light)
    canvas.fill(flesh & body, CREAM)
    _shine(canvas, 7.5 - spread - 1.2, 6.5, skin, dice)
    canvas.fill(line((7.5, 5.5), (7.5 + dice.uniform(-1.5, 1.5), dice.uniform(1.5, 3))), WOOD, SHADOW)
    if dice.chance(0.75):
        side = dice.chance(0.5)
        canvas.stamp(LEAF_SHAPE, 3 if side else 8, dice.integer(1, 2), {"l": LEAF}, mirrored=side)
    return _served(canvas, colour, dice)


def cherries(dice: Dice) -> Drawing:
    """Cherries: two or three on long stems that meet under a leaf."""
    canvas, colour = Canvas(), dice.pick(("red", "purple", "orange", "pink"))
    skin, knot = named_ramp(colour, dice), dice.uniform(5, 10)
    fruits = [(dice.uniform(3.4, 4.4), dice.uniform(9.6, 11)), (dice.uniform(10.4, 11.4), dice.uniform(9.2, 11))]
    if dice.chance(0.25):
        fruits.insert(0, (dice.uniform(7, 8), dice.uniform(7.5, 8.5)))
    for x, y in fruits:
        r = dice.uniform(2.8, 3.4)
        bend = (x + knot) / 2 + dice.uniform(0, 1) * (1 if x > knot else -1)
        canvas.fill(line((knot, 2), (bend, 5), (x, y - r + 1)), LEAF, SHADOW)
        _ball(canvas, x, y, r, r, skin)
        canvas.dot(int(x + 0.5), int(y - r + 1), skin, OUTLINE)
        _shine(canvas, x - 1.2, y - 0.8, skin, dice)
    if dice.chance(0.7):
        side = dice.chance(0.5)
        canvas.stamp(LEAF_SHAPE, int(knot) - (4 if side else 0), 1, {"l": LEAF}, mirrored=side)
    return _served(canvas, colour, dice)


def grapes(dice: Dice) -> Drawing:
    """Grapes: a bunch narrowing to its tip, under a stem and a vine leaf."""
    canvas, colour = Canvas(), dice.pick(("purple", "green", "red", "blue"))
    skin, lean = named_ramp(colour, dice), dice.uniform(-0.7, 0.7)
    rows = dice.pick(((2, 3, 2, 1), (3, 3, 2, 1), (2, 3, 3, 1), (3, 2, 2, 1)))
    for row, count in reversed(tuple(enumerate(rows))):
        for place in range(count):
            x = int(7.5 + lean * (row - 1.5) + 4 * (place - (count - 1) / 2) + dice.uniform(-0.3, 0.3)) + 0.5
            y = 2.5 + 3 * row + dice.integer(0, 1)
            _ball(canvas, x, y, 1.9, 1.9, skin, 0.6)
            canvas.dot(int(x), int(y), skin, SHINE)
    canvas.fill(line((7.5, 3), (7.5 + dice.uniform(-2, 2), 1)), WOOD, SHADOW)
    if dice.chance(0.8):
        canvas.stamp(VINE_LEAF, dice.integer(3, 7), 1, {"l": LEAF}, mirrored=dice.chance(0.5))
    return _served(canvas, colour, dice)


def watermelon(dice: Dice) -> Drawing:
    """A watermelon slice: a half moon or a wedge with a green rind, juicy flesh and pips."""
    canvas, colour = Canvas(), dice.pick(("red", "yellow", "orange", "pink"))
    flesh, tilt = named_ramp(colour, dice), dice.uniform(-0.5, 0.5)
    if dice.chance(0.5):
        x, y, rx, ry = 7.5 + tilt * 1.4, 5 - tilt * tilt * 4, 6.7, dice.uniform(7.2, 9)
        cut = polygon((x - 20, y - 20 * tilt), (x + 20, y + 20 * tilt), (24, 40), (-9, 40))
        if dice.chance(0.5):
            cut, _ = _bitten(cut, x + dice.uniform(-3, 3), y - 0.5, dice)
    else:
        x, y, rx, ry = 7.5 - tilt * 4, 1, 13, dice.uniform(12, 13.2)
        wide = dice.uniform(5, 6.4)
        cut = polygon((x - 0.8, 0.5), (x + 0.8, 0.5), (7.5 + wide * 1.15, 15), (7.5 - wide * 1.15, 15))
    whole = ellipse(x, y, rx, ry) & cut
    canvas.fill(whole, LEAF, round_light)
    canvas.fill(whole & ellipse(x, y, rx - 1.1, ry - 1.1), CREAM)
    inner = whole & ellipse(x, y, rx - 1.9, ry - 2)
    canvas.fill(inner, flesh, slant_light)
    for i in range(dice.integer(3, 6)):
        px, py = dice.integer(3, 12), 5 + i * 3 % 7
        if inner[py, px - 1 : px + 2].all():
            canvas.dot(px, py, INK, OUTLINE)
    return _served(canvas, colour, dice)


def carrot(dice: Dice) -> Drawing:
    """A carrot: a tapering root with rings and a tuft of greens."""
    canvas, colour = Canvas(), dice.pick(("orange", "orange", "purple", "yellow", "red"))
    skin, lean, r = named_ramp(colour, dice), dice.uniform(-4.5, 4.5), dice.uniform(2.5, 3.3)
    head, y, tip = 7.5 + lean * 0.5, dice.uniform(6.6, 7.6), 7.5 - lean
    for spread in (-2.6, 2.6, 0):
        x, up = head + lean * 0.3 + spread * dice.uniform(0.7, 1.2), dice.uniform(1, 2.6)
        frond = line((head, y), (x, up)) | line((head + 1, y), (x + 1, up + 1))
        canvas.fill(frond, LEAF, edge_light)
    root = _taper(head, y, r, tip, 13.4, 0.7)
    canvas.fill(root, skin, slant_light)
    for row in (int(y) - 1, int(y) + 2, int(y) + 4):
        xs = np.flatnonzero(root[row])
        start = dice.pick((0, 0, len(xs) // 2))
        canvas.fill(box(xs[start], row, xs[start] + dice.integer(0, len(xs) // 3), row) & root, skin, SHADOW)
    return _served(canvas, colour, dice)


def mushroom(dice: Dice) -> Drawing:
    """A mushroom: a cap, spotted or plain, on a stout stalk; at times a little one beside it."""
    canvas, colour = Canvas(), dice.pick(("red", "brown", "orange", "purple"))
    skin, rx, ry = named_ramp(colour, dice), dice.uniform(5.2, 6.6), dice.uniform(5.4, 7.4)
    side, pair = dice.pick((-1, 1)), dice.chance(0.3)
    foot, brim = dice.uniform(1.8, 2.9), dice.uniform(8, 9.2)
    x = 7.5
    if pair:
        x, rx = x - side * 1.5, rx - 1
    cap = _toadstool(canvas, x, brim, rx, ry, foot, dice.uniform(-1, 1), skin)
    if dice.chance(0.75):
        for across, up in ((-0.65, 0.2), (-0.1, 0.65), (0.15, 0.15), (0.6, 0.4)):
            r = dice.uniform(0.7, 1.5)
            spot = ellipse(x + across * rx + dice.uniform(-0.7, 0.7), brim - up * ry + dice.uniform(-0.5, 0.5), r, r)
            canvas.fill(spot & cap, CREAM)
    else:
        _shine(canvas, x - 2, brim - ry * 0.6, skin, dice)
    if pair:
        _toadstool(canvas, 7.5 + side * 4.4, dice.uniform(10.5, 12), 2.7, 2.9, 1.2, 0, skin)
    return _served(canvas, colour, dice)


def burger(dice: Dice) -> Drawing:
    """A burger: a domed bun, layers in any order, a flat bun below, at times a bite."""
    canvas, colour = Canvas(), dice.pick(("orange", "brown", "yellow"))
    bun, wide = named_ramp(colour, dice), dice.uniform(5.6, 6.6)
    whole = box(0, 0, SIZE - 1, SIZE - 1)
    if dice.chance(0.25):
        whole, _ = _bitten(whole, 7.5 + dice.pick((-6.4, 6.4)), dice.uniform(5.5, 9), dice)
    y, dome = 12, dice.uniform(4.4, 6.4)
    under = _slab(7.5, wide - 0.4, 13, 14) & whole
    canvas.fill(under, bun, edge_light)
    for layer in dice.pick(("pl", "pcl", "ptpl", "pclt", "ptl", "pcpl", "ptcl", "pcp", "lpc", "lpct")):
        filling, high = {"l": (LETTUCE, 1), "c": (GOLD, 1), "t": (TOMATO, 1), "p": (PATTY, 2)}[layer]
        band = _slab(7.5, wide + dice.uniform(-0.6, 0.6), y - high + 1, y) & whole
        canvas.fill(band, filling, edge_light if layer == "p" else BASE)
        if layer in "lc":
            drips = [x for x in range(2, 14) if (dice.chance(0.4) if layer == "l" else abs(x - 5) < 2)]
            canvas.fill(np.roll(band, 1, 0) & np.isin(COLUMNS, drips), filling)
        y -= high
    top = ellipse(7.5, y + 0.5, wide, min(y - 0.6, dome)) & _slab(7.5, 9, 0, y) & whole
    canvas.fill(top, bun, round_light)
    for x, up in ((5, 2), (8, 3), (10, 1), (7, 1), (11, 3)):
        if dice.chance(0.75) and top[y - up, x]:
            canvas.dot(x, y - up, CREAM, LIGHT)
    return _served(canvas, colour, dice)


def drumstick(dice: Dice) -> Drawing:
    """A drumstick: a plump roast leg on a bone, whole or bitten."""
    canvas, colour, side = Canvas(), dice.pick(("brown", "orange", "yellow")), dice.pick((-1, 1))
    skin, drop, r = named_ramp(colour, dice), dice.uniform(5.4, 6.6), dice.uniform(3.9, 4.8)
    x, y, end = 7.5 + side * 2.4, dice.uniform(5, 6), 7.5 - side * dice.uniform(3.2, 5.2)
    canvas.fill(_taper(x, y, 1, end, y + drop, 0.8), BONE)
    for dx, dy in ((0, 1), (-side, 0)):
        knob = ellipse(end + dx, y + drop + dy, 1.2, 1.2)
        canvas.fill(knob, BONE, edge_light)
    meat = _taper(x, y, r, (x + 2 * end) / 3, y + drop * 0.6, dice.uniform(1.3, 2))
    flesh = np.zeros_like(meat)
    if dice.chance(0.4):
        meat, flesh = _bitten(meat, x + side * r * dice.uniform(0.85, 1.05), y + dice.uniform(-2.5, 1.5), dice)
    canvas.fill(meat, skin, round_light)
    canvas.fill(flesh & meat, CREAM)
    _shine(canvas, x - r * 0.5, y - r * 0.5, skin, dice)
    for _ in range(dice.integer(0, 4)):
        px, py = int(x + dice.uniform(-3, 3)), int(y + dice.uniform(-1, 4))
        if (meat & ~flesh)[py, px]:
            canvas.dot(px, py, skin, SHADOW)
    return _served(canvas, colour, dice)


def fish(dice: Dice) -> Drawing:
    """A fish: whole, grilled on a skewer, or eaten to the bones."""
    canvas, colour, side = Canvas(), dice.pick(("blue", "orange", "teal", "red", "gray")), dice.pick((-1, 1))
    scales, style, fat = named_ramp(colour, dice), dice.pick(("whole", "skewer", "bones")), dice.uniform(3.1, 3.9)
    at = _axis(side, dice.uniform(0.28, 0.42) if style == "skewer" else dice.uniform(-0.12, 0.12), 1.06)
    body = _taper(*at(-3.2, 0), fat * 0.7, *at(-1, 0), fat) | _taper(*at(-1, 0), fat, *at(4, 0), 1)
    fins = polygon(at(-2.5, 0), at(dice.uniform(-0.5, 1), -fat - 1.7), at(2.8, 0))
    fins |= polygon(at(-0.5, 0), at(dice.uniform(0.8, 1.6), fat + 1.2), at(1.8, 0))
    tail = polygon(at(3, 0), at(6.4, -3.1), at(5.2, 0), at(6.4, 3.1))
    if style == "skewer":
        canvas.fill(line(at(-8.5, 0), at(8.5, 0)) & _slab(7.5, 6.6, 1, 14), WOOD)
    elif style == "bones":
        _skeleton(canvas, at)
        head = polygon(at(-9, -9), at(-1.2, -9), at(-1.2, 9), at(-9, 9))
        body, fins = body & head, fins & head
    canvas.fill(fins, scales, SHADOW)
    canvas.fill(tail, scales, edge_light)
    canvas.fill(body, scales, round_light)
    canvas.fill(line(at(-1.4, -1.3), at(-1.4, 1.5)) & body, scales, SHADOW)
    x, y = at(-3.4, -0.9)
    canvas.dot(int(x + 0.5), int(y + 0.5), INK, OUTLINE)
    canvas.dot(int(x + 0.5), int(y - 0.5), WHITE, LIGHT)
    return _served(canvas, colour, dice)


def ice_cream(dice: Dice) -> Drawing:
    """An ice cream: one to three scoops or a soft swirl on a waffle cone, with something on top."""
    canvas, colour = Canvas(), dice.pick(("pink", "brown", "yellow", "teal", "blue", "purple", "green", "orange"))
    main, jut, wide = named_ramp(colour, dice), dice.uniform(-0.7, 0.7), dice.uniform(0.95, 1.1)
    other = dice.pick((CREAM, CHOCOLATE, main)) if colour != "brown" else CREAM
    rim, scoops = dice.pick((  # the cone's rim; for each scoop x, height above the rim, radii and flavour
        (8.5, ((0, 2.6, 4.6, 4.6, main),)),
        (9.9, ((0, 1.6, 3.8, 2.9, other), (jut, 5.4, 3.3, 3.2, main))),
        (9.2, ((-2.8, 1, 3.1, 2.7, main), (2.8, 1, 3.1, 2.7, main), (jut, 4.8, 3.1, 3.1, other))),
        (9.4, ((0, 0.9, 4.4, 1.8, main), (0, 3.1, 3.4, 1.7, main), (jut, 5.2, 2.4, 1.7, main), (jut, 7, 1, 1.4, main))),
    ))  # fmt: skip
    rim += dice.uniform(0, 0.4)
    topping, top = dice.pick((CHERRY, FLAKE, "sprinkles", None)), int(rim - scoops[-1][1] - scoops[-1][3]) + 1
    if topping == FLAKE:
        canvas.stamp(FLAKE, 9, max(top - 1, 1), TOPPINGS)
    for x, up, rx, ry, flavour in scoops:
        _ball(canvas, 7.5 + x, rim - up, rx * wide, ry, flavour)
        _shine(canvas, 7.5 + x - rx * 0.5, rim - up - ry * 0.4, flavour, dice)
    if topping == CHERRY:
        canvas.stamp(CHERRY, int(7 + jut), max(top - 3, 1), TOPPINGS)
    elif topping == "sprinkles":
        _sprinkle(canvas, ellipse(7.5, rim - 3, 4, 5), dice)
    _cone(canvas, rim, dice.uniform(3.6, 4.6), scoops[0][-1], dice)
    return _served(canvas, colour, dice)


def doughnut(dice: Dice) -> Drawing:
    """A doughnut: a ring under dripping icing, with sprinkles, stripes or only a gloss."""
    canvas, colour = Canvas(), dice.pick(("pink", "brown", "blue", "purple", "teal", "yellow", "green", "red"))
    icing = named_ramp(colour, dice)
    rx, ry = dice.uniform(5.75, 6.2) + dice.integer(0, 1), dice.uniform(5.75, 6.3) + dice.pick((-1, 0, 0, 1))
    hole, lean, tilt = ellipse(7.5, 7.5, dice.pick((2.2, 2.2, 2.7)), 1.8), dice.pick((0, 0.5)), dice.pick((-1, 1))
    ring, crumb = ellipse(7.5 - lean, 7.5 - lean * tilt, rx - lean, ry - lean) & ~hole, np.zeros_like(hole)
    ring |= ellipse(7.5 + lean, 7.5 + lean * tilt, rx - lean, ry - lean) & ~hole
    if dice.chance(0.4):
        ring, crumb = _bitten(ring, 7.5 + dice.pick((-1, 1)) * 6, 7.5 + dice.uniform(-4, 4), dice)
    canvas.fill(ring, DOUGH, round_light)
    glaze = ellipse(7.5, 6.8, rx - 0.7, ry - 1.6)
    for x in (3.6, 6.2, 8.8, 11.4):
        glaze |= ellipse(x + dice.uniform(-0.7, 0.7), dice.uniform(7, 8 + ry * 0.3), 1.1, 2.2)
    glaze &= ring & ~crumb & ellipse(7.5, 6.8, rx - 0.4, ry)
    canvas.fill(glaze, icing, round_light(ring))
    canvas.fill(crumb & ring, CREAM)
    topping = dice.pick(("sprinkles", "sprinkles", "stripes", None))
    if topping == "sprinkles":
        _sprinkle(canvas, glaze, dice)
    elif topping == "stripes":
        _stripes(canvas, glaze, CREAM if colour != "yellow" else CHOCOLATE, dice)
    _shine(canvas, 7.5 - rx * 0.6, 7.5 - ry * 0.5, icing, dice)
    return _served(canvas, colour, dice)


def cake(dice: Dice) -> Drawing:
    """A cake slice: layers of sponge and cream, icing that runs down, something on top."""
    canvas, colour = Canvas(), dice.pick(("pink", "brown", "yellow", "green", "purple", "blue"))
    side, top, high, half = dice.pick((-1, 1)), 6.5, dice.integer(5, 7), dice.uniform(5.8, 6.9)
    icing, sponge, filling = named_ramp(colour, dice), dice.pick((SPONGE, CREAM, CHOCOLATE)), dice.pick((CREAM, TOMATO))
    slope, tip, crust = dice.pick((-1, 0, 1)) * dice.uniform(0.8, 1.2), 7.5 - side * half, 7.5 + side * half

    def face(start: float, end: float) -> Mask:
        """The front of the slice, so far below its upper edge."""
        return polygon((tip, top + start), (crust, top + start + slope), (crust, top + end + slope), (tip, top + end))

    canvas.fill(face(0, high), sponge, edge_light)
    for share in dice.pick(((0.55,), (0.45, 0.75))):
        canvas.fill(face(high * share, high * share + 1), filling)
    drips = np.isin(COLUMNS, [x for x in range(1, 15) if dice.chance(0.35)])
    canvas.fill(face(0, 1.5) | face(1, 3) & drips, icing)
    canvas.fill(face(0, high) & _slab(crust, 1.5, 0, 15), icing, SHADOW)
    roof = polygon((tip, top + 0.5), (crust, top + slope + 0.5), (7.5 + side * (half - dice.uniform(0, 3)), top - 3.5))
    canvas.fill(roof, icing, LIGHT)
    topping = dice.pick((CHERRY, CANDLE, CREAM_SWIRL, None))
    if topping:
        canvas.stamp(topping, int(6.5 + side * dice.uniform(1.5, 3.5)), 1, TOPPINGS)
    else:
        _sprinkle(canvas, roof | face(0, 1.5), dice)
    return _served(canvas, colour, dice)


def _cone(canvas: Canvas, rim: float, half: float, ice: Ramp, dice: Dice) -> None:
    """A waffle cone down to the last row, with a few drips of ice on it."""
    cone = polygon((7.5 - half, rim), (7.5 + half, rim), (8.3, 14.7), (6.7, 14.7))
    canvas.fill(cone, WAFFLE, slant_light)
    for x in range(-6, 13, 3):
        canvas.fill(line((x, 7), (x + 8, 15)) & cone, WAFFLE, SHADOW)
    canvas.fill(_slab(7.5, half, rim, rim) & cone, WAFFLE, SHADOW)
    for x in (5, 7, 10):
        canvas.fill(line((x, rim), (x, rim + dice.uniform(-0.5, 2.5))) & cone, ice)


def _skeleton(canvas: Canvas, at: Callable[[float, float], Point]) -> None:
    """A fish's spine and its ribs."""
    for start, end in (((-3, 0), (5, 0)), ((0.2, -2.4), (0.2, 2.4)), ((2.2, -1.7), (2.2, 1.7))):
        canvas.fill(line(at(*start), at(*end)), BONE)


def _toadstool(
    canvas: Canvas, x: float, brim: float, rx: float, ry: float, foot: float, bend: float, skin: Ramp
) -> Mask:
    """A stalk, gills and a domed cap, of which the mask is returned."""
    stalk = _taper(x + bend, 13.2, foot, x, brim, foot * 0.8) & _slab(7.5, 9, 0, 14)
    canvas.fill(stalk, BONE, round_light)
    canvas.fill(ellipse(x, brim, rx - 1, 1.6), BONE, SHADOW)
    above = _slab(7.5, 9, 0, int(brim))
    # Not `part`: the gills below the brim get no line.
    canvas.fill(ellipse(x, brim, rx + 1, ry + 1) & above & canvas.filled, skin, OUTLINE)
    cap = ellipse(x, brim, rx, ry) & above
    canvas.fill(cap, skin, round_light)
    return cap


def _bitten(mask: Mask, x: float, y: float, dice: Dice) -> tuple[Mask, Mask]:
    """What a bite about (x, y) leaves of a mask, and the fresh edge round the bite."""
    rx, ry = dice.uniform(2.2, 2.9), dice.uniform(2.2, 2.8)
    gone = ellipse(x, y, rx, ry)
    return mask & ~gone, mask & ellipse(x, y, rx + 1.1, ry + 1.1) & ~gone


def _shine(canvas: Canvas, x: float, y: float, material: Ramp, dice: Dice) -> None:
    """A wet highlight of one to three pixels, on what has been drawn."""
    for dx, dy in dice.pick((((0, 0),), ((0, 0), (0, 1)), ((0, 0), (1, 0)), ((0, 0), (1, 0), (0, 1)))):
        column, row = int(x + 0.5) + dx, int(y + 0.5) + dy
        if canvas.filled[row, column]:
            canvas.dot(column, row, material, SHINE)


def _ball(canvas: Canvas, x: float, y: float, rx: float, ry: float, material: Ramp, seam: float = 1) -> None:
    """Paint a round body, with a dark seam where it lies on something else."""
    # Not `part`: a seam as round as the ball, and narrower than a pixel where grapes touch.
    canvas.fill(ellipse(x, y, rx + seam, ry + seam) & canvas.filled, material, OUTLINE)
    canvas.fill(ellipse(x, y, rx, ry), material, round_light)


def _sprinkle(canvas: Canvas, where: Mask, dice: Dice) -> None:
    """Scatter coloured sugar over a part of what has been drawn."""
    places = np.argwhere(where & canvas.filled).tolist()
    for _ in range(dice.integer(5, 9)):
        y, x = dice.pick(places)
        canvas.dot(x, y, dice.pick(SPRINKLES))


def _stripes(canvas: Canvas, where: Mask, material: Ramp, dice: Dice) -> None:
    """Three slanting stripes over a part of what has been drawn."""
    slant = dice.integer(-3, 3)
    for x in (3, 7, 11):
        canvas.fill(line((x, 1), (x + slant, 13)) & where, material)


def _axis(side: int, turn: float, stretch: float) -> Callable[[float, float], Point]:
    """Coordinates along and across a line through the middle, turned from the level like `unit`."""
    dx, dy = unit(turn)

    def at(along: float, across: float) -> Point:
        """A point so far along the line and across it."""
        return 7.5 + side * (along * dx * stretch - across * dy), 7.5 + along * dy * stretch + across * dx

    return at


def _taper(x0: float, y0: float, r0: float, x1: float, y1: float, r1: float) -> Mask:
    """A round-ended limb from a circle of radius r0 to one of radius r1."""
    i = np.arange(8)[:, None, None]
    x, y, r = (start + (end - start) * i / 7 for start, end in ((x0, x1), (y0, y1), (r0, r1)))
    limb: Mask = np.logical_or.reduce(ellipse(x, y, r, r))
    return limb


def _slab(x: float, half: float, top: float, bottom: float) -> Mask:
    """A level band about column x, from row top to row bottom."""
    return box(x - half + 0.5, top, x + half - 0.5, bottom)


def _served(canvas: Canvas, colour: str, dice: Dice) -> Drawing:
    """The finished drawing, in the middle of the canvas or a pixel beside it."""
    canvas.centre(dice.integer(0, 1), dice.integer(0, 1))
    return Drawing(canvas, colour, facing="none")


KINDS: tuple[Kind, ...] = (
    apple, cherries, grapes, watermelon, carrot, mushroom, burger, drumstick, fish, ice_cream, doughnut, cake,
)  # fmt: skip
