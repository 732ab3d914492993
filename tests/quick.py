"""What tests that train share: stand-ins for the pictures, which take longer than the training."""

from course_utils.training import run


def draw_nothing(patch):
    """Pictures are no more than the mark of who wrote them."""
    for name in ("progress_picture", "contact_sheet", "from_noise"):
        patch.setattr(run, name, lambda *given: given[-1].encode())
    patch.setattr(run, "walk", lambda *_: None)
    patch.setattr(run, "own_or_recited", lambda *_: ("so near", ""))
