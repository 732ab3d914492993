"""Creatures: monsters seen from the front, one function a kind.

Every kind is built about the middle line, between columns 7 and 8. Heroes and whatever walks in profile live elsewhere.
"""

from collections.abc import Sequence

import numpy as np

from .canvas import INSIDE, SIZE, Canvas, Mask, Point, box, edge_light, ellipse, line, neighbours, polygon, round_light
from .dice import Dice
from .drawing import Drawing, Kind
from .palette import (
    BASE,
    BLACK,
    BONE,
    GOLD,
    LEAF,
    LEATHER,
    LIGHT,
    NAMED,
    SHADOW,
    SHINE,
    STEEL,
    WHITE,
    WOOD,
    Ramp,
    bright,
    flat,
    named_ramp,
    ramp,
)

TONGUE = ramp(0.97, 0.6, 0.85)

# Left eyes; the right one is the mirror image. k black, w white or glowing, g a glow, r a tongue.
DOT = "k k"
ROUND = "wk kk"
BIG = "ww wk"
TALL = "ww wk wk"
ANGRY = "k.. wk. wkk"
SLY = "k. wk"
SLEEPY = "kk wk"
HOLLOW = "kk kk kk"
GLOW = "w w"
SLY_GLOW = "w. ww"
GAZING = (ROUND, BIG, TALL)  # both eyes look the same way
SOCKETS = ("kkk..kkk kgk..kgk .kk..kk. ...kk...", ".kk..kk. kgk..kgk kkk..kkk ...kk...")  # of a skull, with its nose

SMILE = "k..k .kk."
FANGS = "kkkk w..w"
BITE = "w..w"
TUSKS = "w..w kkkk"
GAPE = ".kk. kkkk .rr."
FLAT = "kk"
NO_MOUTH = ".."

WINGS = (  # rows from top to bottom, column by column from the shoulder to the tip
    ((6, 9), (6, 9), (5, 7), (4, 8), (4, 6)),
    ((6, 9), (5, 7), (5, 9), (5, 6), (4, 8)),
    ((6, 9), (6, 8), (5, 9), (4, 7), (3, 5)),
)
LEGS = (  # of a spider: the row of the hip, the knee and the foot
    (7, (3.5, 5), (2, 2)), (8, (3, 7), (1, 6)), (9, (3, 9), (1, 10)), (10, (3.5, 11), (2.5, 13)),
)  # fmt: skip


def slime(dice: Dice) -> Drawing:
    """A slime: a dome or a drop of jelly with a wet highlight, sometimes with a puddle and bubbles."""
    colour = dice.pick(tuple(NAMED))
    canvas, skin = Canvas(), named_ramp(colour, dice)
    wide, tall = dice.uniform(4.8, 6.9), dice.uniform(8.0, 12.6)
    body = ellipse(7.5, 14.4 - 0.42 * tall, wide, 0.58 * tall)
    if dice.chance(0.4):
        shoulder = 14.4 - 0.72 * tall
        body |= polygon((7.5 - 0.8 * wide, shoulder), (7.5 + dice.uniform(-3, 3), 1.2), (7.5 + 0.8 * wide, shoulder))
    if dice.chance(0.5):
        body |= ellipse(7.5 + dice.uniform(-1, 1), 13.8, min(wide + 1, 6), dice.uniform(1.0, 2.0))
    body &= INSIDE
    canvas.fill(body, skin, round_light)
    eyes = int(13.8 - dice.uniform(0.45, 0.5) * tall)
    canvas.dot(int(7.5 - 0.55 * wide), eyes - 1, skin, SHINE)
    canvas.dot(int(8.5 - 0.55 * wide), eyes - 2, skin, SHINE)
    for _ in range(dice.integer(0, 3)):
        canvas.dot(dice.integer(5, 11), 13, skin, LIGHT)
    _face(canvas, dice, eyes, dice.pick((2, 4)), (DOT, ROUND, BIG, TALL, ANGRY, SLY), (SMILE, FLAT, FANGS, NO_MOUTH))
    return Drawing(canvas, colour)


def ghost(dice: Dice) -> Drawing:
    """A ghost: a sheet with a wavy hem or a trailing wisp, hollow eyes and raised arms."""
    colour = dice.pick(("gray", "blue", "teal", "purple", "pink", "green"))
    canvas, skin = Canvas(), named_ramp(colour, dice)
    wide, top, sway = dice.uniform(4.0, 5.2), dice.integer(1, 2), dice.uniform(-2, 2)
    middle = top + wide
    body = ellipse(7.5, middle, wide, wide + 0.3)
    if dice.chance(0.35):
        body |= polygon((7.5 - wide, middle), (7.5 + wide, middle), (9 + sway, 12.5), (7.5 + 3 * sway, 14.9))
    else:
        half = wide * dice.uniform(0.9, 1.25)
        body |= polygon((7.5 - wide, middle), (7.5 + wide, middle), (7.5 + half + sway, 15), (7.5 - half + sway, 15))
        start = dice.integer(0, 3)
        body[14, start::4] = body[14, start + 1 :: 4] = body[13, start::4] = False
    body |= _sides(*(_limb((6, middle + 1), (5.8 - wide, middle + dice.uniform(-2, 3))) for _ in range(2)))
    body &= INSIDE
    canvas.fill(body, skin, round_light)
    _face(canvas, dice, int(middle - dice.uniform(0, 1.5)), 2, (HOLLOW, DOT, TALL, SLY), (GAPE, FLAT, SMILE))
    return Drawing(canvas, colour)


def bat(dice: Dice) -> Drawing:
    """A bat: a small furry body between two scalloped wings, somewhere in a wing beat."""
    colour = dice.pick(("purple", "gray", "brown", "red", "blue", "teal", "pink"))
    canvas, skin = Canvas(), named_ramp(colour, dice)
    _wings(canvas, dice, skin)
    tip = dice.uniform(1.5, 3.5)
    ear = polygon((4.6, 7), (dice.uniform(4.6, 5.5), tip), (5.6, tip), (7.2, 6.4))
    body = ellipse(7.5, 8, dice.uniform(2.8, 3.5), dice.uniform(2.9, 3.8))
    canvas.part(body | _both(ear), skin, round_light)
    _face(canvas, dice, 6, 2, (BIG, DOT, SLY_GLOW, GLOW), (BITE,), dice.pick((WHITE, GOLD)))
    canvas.shift(0, dice.integer(0, 2))
    return Drawing(canvas, colour)


def _wings(canvas: Canvas, dice: Dice, skin: Ramp) -> None:
    """A pair of bat wings, raised or lowered, for a body in front of them."""
    wings, beat = np.zeros((SIZE, SIZE), dtype=bool), dice.uniform(-0.5, 0.55)
    for i, (top, bottom) in enumerate(dice.pick(WINGS)):
        lift = int(10.5 - beat * i) - 10
        wings[top + lift : bottom + lift + 1, 5 - i] = True
    canvas.fill(_both(wings), skin, SHADOW)
    wings[1:] &= ~wings[:-1]
    canvas.fill(_both(wings), skin)


def spider(dice: Dice) -> Drawing:
    """A spider: eight bent legs about a round body, bright eyes, fangs and a marking."""
    colour = dice.pick(("purple", "gray", "brown", "red", "green", "blue", "orange"))
    canvas, skin = Canvas(), named_ramp(colour, dice)
    for hip, (knee_x, knee_y), (foot_x, foot_y) in LEGS:
        legs = []
        for bend in (dice.integer(-1, 0), dice.integer(-1, 0)):
            foot = (foot_x, foot_y + bend + dice.integer(0, 1))
            legs.append(line((6, hip), (knee_x, knee_y + bend), foot))
        canvas.fill(_sides(*legs), skin)
    body = ellipse(7.5, 8.5, dice.uniform(3.4, 4.4), dice.uniform(3.7, 4.8))
    canvas.part(body, skin, round_light)
    marking = dice.pick((line((7, 5), (8, 5)), line((7, 4), (8, 4)) | line((6, 6), (9, 6)), line((6, 6), (9, 6))))
    canvas.fill(marking & body, skin, SHINE)
    _face(canvas, dice, 8, 2, (BIG, ANGRY, GLOW, SLY_GLOW), (BITE, NO_MOUTH), dice.pick((WHITE, GOLD)))
    return Drawing(canvas, colour)


def goblin(dice: Dice) -> Drawing:
    """A goblin: a big head with long ears on a small body, often with horns or a club."""
    colour = dice.pick(("green", "green", "teal", "orange", "red", "purple", "blue"))
    canvas, skin, cloth = Canvas(), named_ramp(colour, dice), dice.pick((LEATHER, WOOD, STEEL))
    item, hands = dice.pick(("none", "club")), (dice.integer(9, 12), dice.integer(10, 12))
    arms = _sides(*(line((5, 10), (3, 10), (2, hand)) | box(2, hand, 3, hand + 1) for hand in hands))
    body = ellipse(7.5, 10.9, dice.uniform(2.4, 3.0), 2.6)
    canvas.fill(_both(box(dice.integer(4, 5), 13, 6, 14)), skin, SHADOW)
    canvas.fill(arms, skin, edge_light)
    canvas.part(body, skin, round_light)
    canvas.fill(body & box(0, 12, 15, 15), cloth, edge_light(body))
    tip, level = dice.uniform(0.6, 1.6), dice.uniform(1.5, 5.0)
    ear = polygon((6, 3.2), (tip, level), (tip + 0.5, level + 1.4), (6, 7.4))
    canvas.part(_both(ear), skin, edge_light)
    head = ellipse(7.5, 5.4, dice.uniform(3.3, 4.1), dice.uniform(3.7, 4.3))
    canvas.part(head, skin, round_light)
    if dice.chance(0.25):
        canvas.fill(_both(line((5, 2), (5, 1))), BONE)
    _face(canvas, dice, 4, 2, (SLY, SLY_GLOW, BIG, ROUND, DOT), (TUSKS, FANGS, SMILE, BITE))
    if item == "club":
        canvas.part(line((13, hands[1] + 2), (13, 7)) | ellipse(13, hands[1] - 5, 1.5, 2.6), WOOD, edge_light)
    return Drawing(canvas, colour, item=item)


def beholder(dice: Dice) -> Drawing:
    """A beholder: one big eye in a ball, with stalks, wings or tentacles."""
    colour = dice.pick(("purple", "red", "green", "blue", "pink", "orange", "teal", "brown"))
    canvas, skin = Canvas(), named_ramp(colour, dice)
    iris = named_ramp(dice.pick([name for name in ("yellow", "green", "blue", "red") if name != colour]), dice)
    limbs, y, size = *dice.pick((("stalks", 9), ("wings", 8), ("tentacles", 6))), dice.uniform(4.4, 5.6)
    if limbs == "wings":
        _wings(canvas, dice, skin)
        size -= 0.5
    for x in (dice.integer(1, 2), dice.integer(4, 5)) if limbs != "wings" else ():
        ends = [dice.integer(1, 3) if limbs == "stalks" else dice.integer(12, 13) for _ in range(2)]
        canvas.part(_sides(*(_limb((0.5 * x + 4, y), (x, end)) for end in ends)), skin, edge_light)
        if limbs == "stalks":
            canvas.stamp(BIG, x, ends[0], {"k": BLACK, "w": bright(WHITE, SHINE)})
            canvas.stamp(BIG, 14 - x, ends[1], {"k": BLACK, "w": bright(WHITE, SHINE)})
    canvas.part(ellipse(7.5, y, size, size), skin, round_light)
    white = ellipse(7.5, y, size - 1.6, size - 2.1 + dice.uniform(0, 0.8))
    canvas.fill(white, WHITE, LIGHT)
    gx, gy = dice.uniform(-1.5, 1.5), dice.uniform(-0.8, 1)
    canvas.fill(ellipse(7.5 + gx, y + gy, 2.0, 2.2) & white, iris)
    canvas.fill(ellipse(7.5 + gx, y + gy, dice.pick((0.6, 1.1)), 1.3) & white, BLACK)
    canvas.fill(box(0, 0, 15, y - dice.integer(2, 5)) & white, skin, SHADOW)  # the eyelid
    return Drawing(canvas, colour)


def skull(dice: Dice) -> Drawing:
    """A skull in flames: hollow glowing eyes, teeth, tongues of fire."""
    colour = dice.pick(("red", "orange", "blue", "green", "purple", "teal", "pink"))
    canvas, skin = Canvas(), named_ramp(colour, dice)
    fire = ellipse(7.5, 9.5, dice.uniform(5.6, 6.8), 5.0)
    for x in (3.0, 7.5, 12.0):
        tip, high = x + dice.uniform(-1.5, 1.5), dice.uniform(0.8, 4.5)
        fire |= polygon((x - 2.5, 9), (tip, high), (x + 2.5, 9))
    fire &= INSIDE
    for tone in (SHADOW, BASE, LIGHT):
        canvas.fill(fire, skin, tone)
        above, left, right, _ = neighbours(fire, False)
        fire = fire & above & left & right  # the flames within, open at the foot
    y = dice.integer(9, 10)
    head = ellipse(7.5, y, dice.uniform(3.6, 4.6), 3.6) | box(5, y + 2, 10, 14)
    canvas.fill(head, BONE, round_light)
    canvas.stamp(dice.pick(SOCKETS), 4, y, {"k": BLACK, "g": flat(skin, LIGHT)})
    for x in (5, 7, 8, 10):
        canvas.dot(x, 14, BLACK)
    return Drawing(canvas, colour)


def octopus(dice: Dice) -> Drawing:
    """An octopus: a tall head on curling tentacles."""
    colour = dice.pick(("red", "pink", "purple", "orange", "teal", "blue", "green"))
    canvas, skin = Canvas(), named_ramp(colour, dice)
    wide, tall = dice.uniform(4.2, 5.6), dice.uniform(3.8, 4.8)
    for root, x, low in ((5, 1, 11.5), (5, 4, 13), (7, 7, 13)):
        feet = [low + dice.uniform(-1, 0.4) for _ in range(2)]
        arms = (_limb((root, 8), (x + 1, foot), (x, foot - dice.uniform(0, 3))) for foot in feet)
        canvas.part(_sides(*arms), skin, edge_light)
    head = ellipse(7.5, 1 + tall, wide, tall) | ellipse(7.5, 8.5, wide - 0.8, 2.2)
    canvas.part(head, skin, round_light)
    for _ in range(dice.integer(0, 4)):
        canvas.dot(dice.integer(5, 10), dice.integer(2, 4), skin, SHINE)
    gap, eyes = 2 if wide < 5 else 4, (DOT, ROUND, BIG, TALL, SLEEPY)
    _face(canvas, dice, int(tall + 1), gap, eyes, (SMILE, FLAT, GAPE, NO_MOUTH))
    return Drawing(canvas, colour)


def crab(dice: Dice) -> Drawing:
    """A crab: a wide shell, two raised claws, eyes on stalks."""
    colour = dice.pick(("red", "orange", "blue", "purple", "teal", "pink", "brown", "green"))
    canvas, skin = Canvas(), named_ramp(colour, dice)
    for foot in (1, 3, 5):
        canvas.fill(_both(line((foot + 2, 11), (foot, 12), (foot, 14 - dice.integer(0, 1)))), skin, SHADOW)
    claws = []
    for _ in range(2):
        y, size = dice.uniform(3.6, 7.0), dice.uniform(1.6, 2.1)
        x = 1 + size
        claw = ellipse(x, y, size, size + 0.5) & ~polygon((x, y + 0.5), (x - 0.5, y - 4), (x + 1.5, y - 4))
        claws.append(claw | line((4, 10), (2, 8.5), (2, y + 2)))
    canvas.part(_sides(*claws), skin, edge_light)
    canvas.part(ellipse(7.5, 11, dice.uniform(4.2, 5.4), dice.uniform(2.6, 3.4)), skin, round_light)
    eyes = dice.integer(5, 7)
    canvas.fill(_both(line((6, 10), (6, eyes))), skin)
    _face(canvas, dice, eyes, 2, (BIG, TALL), (NO_MOUTH,))
    canvas.stamp(dice.pick((SMILE, FLAT, FANGS)), 6, 11, {"k": BLACK, "w": WHITE})
    return Drawing(canvas, colour)


def mimic(dice: Dice) -> Drawing:
    """A mimic: a treasure chest whose open lid has teeth, eyes in the dark or on the lid, and a tongue."""
    colour = dice.pick(("brown", "red", "blue", "purple", "green", "teal", "orange"))
    canvas, skin, metal = Canvas(), named_ramp(colour, dice), dice.pick((GOLD, STEEL))
    half, gap, jaw = dice.integer(6, 7), dice.integer(3, 6), dice.integer(10, 11)
    left, right, top, lid, rim = 8 - half, 7 + half, jaw - gap, 4 if gap < 5 else 3, dice.integer(1, 2)
    slip = dice.integer(half - 7, 7 - half)
    canvas.fill(box(left + 1, top, right - 1, jaw - 1), BLACK)
    cover = box(left, top - lid + 1, right, top - 1) | box(left + rim, top - lid, right - rim, top - 1)
    for part, x in ((box(left, jaw, right, 14), left), (np.roll(cover, slip, 1), left + slip)):
        canvas.fill(part, skin, edge_light)
        canvas.fill(part & ~box(x + half - 4, 0, x + half + 3, 15), metal, edge_light(part))
    eyes, glow = ((GLOW, SLY_GLOW), dice.pick((GOLD, TONGUE, LEAF))) if gap > 4 else ((BIG, ANGRY, TALL), WHITE)
    _face(canvas, dice, top + 2 if gap > 4 else top - 3, 4, eyes, (NO_MOUTH,), glow)
    for x in range(left + dice.integer(1, 2), right, 2):
        canvas.dot(x, top, WHITE, SHINE)
        canvas.dot(x, jaw - 1, WHITE, SHINE)
    tongue = dice.integer(4, 9)
    canvas.fill(box(tongue, jaw - 1, tongue + dice.integer(1, 2), dice.integer(11, 13)), TONGUE)
    return Drawing(canvas, colour)


def golem(dice: Dice) -> Drawing:
    """A golem: rough blocks for a head, shoulders, fists and legs, with moss, a gem and glowing eyes."""
    colour = dice.pick(("gray", "brown", "blue", "orange", "green", "purple"))
    canvas, skin = Canvas(), named_ramp(colour, dice)
    wide, top = dice.uniform(3.5, 4.5), dice.integer(1, 2)
    canvas.part(_both(box(dice.integer(3, 4), 11, 6, 14)), skin, edge_light)
    canvas.part(polygon((8 - wide, 5), (8 + wide, 5), (10.5, 12), (5.5, 12)), skin, round_light)
    if dice.chance(0.5):
        gem = named_ramp(dice.pick(("yellow", "teal", "red")), dice)
        canvas.fill(box(7, 9, 8, dice.integer(9, 10)), gem, LIGHT)
    shoulder, fists = dice.integer(4, 5), [(dice.integer(5, 10), dice.integer(2, 3)) for _ in range(2)]
    canvas.part(_sides(*(box(1, shoulder, 3, 7) | box(1, y, x, y + 3) for y, x in fists)), skin, edge_light)
    canvas.part(_both(box(5 - dice.integer(0, 1), top, 7, 6)), skin, edge_light)
    for x, y in ((1, shoulder), (5, top), (8, top), (12, shoulder)):
        if dice.chance(0.25):
            canvas.fill(line((x, y), (x + dice.integer(1, 2), y)) & canvas.filled, LEAF, LIGHT)
    _face(canvas, dice, 3, 2, (SLY_GLOW, GLOW, SLY, DOT, BIG), (FLAT, NO_MOUTH, BITE), dice.pick((WHITE, GOLD)))
    return Drawing(canvas, colour)


def _face(
    canvas: Canvas, dice: Dice, y: int, gap: int, eyes: Sequence[str], mouths: Sequence[str], glow: Ramp = WHITE
) -> None:
    """A pair of eyes from row y on, an even number of pixels apart, and a mouth below."""
    eye, mouth, look = dice.pick(eyes), dice.pick(mouths), dice.chance(0.5)
    high, wide = len(eye.split()), len(eye.split()[0])
    for x, mirrored in ((8 - gap // 2 - wide, look and eye in GAZING), (8 + gap // 2, look or eye not in GAZING)):
        canvas.stamp(eye, x, y, {"k": BLACK, "w": bright(glow, SHINE if glow == WHITE else LIGHT)}, mirrored)
    x = 8 - len(mouth.split()[0]) // 2
    canvas.stamp(mouth, x, y + high + 1, {"k": BLACK, "w": bright(WHITE, SHINE), "r": TONGUE})


def _both(left: Mask) -> Mask:
    """A part of the left side and its mirror image."""
    return _sides(left, left)


def _sides(left: Mask, right: Mask) -> Mask:
    """A part of the left side and another one, given as if it were on the left too, on the right side."""
    return left | right[:, ::-1]


def _limb(*points: Point) -> Mask:
    """A bent arm, stalk or tentacle through some points, two pixels high."""
    mask = line(*points)
    above, *_ = neighbours(mask, False)
    return mask | above


KINDS: tuple[Kind, ...] = (slime, ghost, bat, spider, goblin, beholder, skull, octopus, crab, mimic, golem)
