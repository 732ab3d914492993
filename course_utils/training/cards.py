"""Model cards: what is in the files of a trained network, how it came to be, how good it is, and how to let it draw.

What is known of the run is handed in by `run`, and the pictures are those of `samples`.
"""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import quote

from ..diffusion.models import TrainedModel
from ..quality.evaluation import SEEDS, N
from ..storage.files import sha256
from ..storage.ownership import write_own
from .samples import example


def write_card(
    out: Path,
    model: TrainedModel,
    rows: Mapping[str, str],
    quality: str,
    checkpoints: Mapping[str, str],
    own: str,
) -> None:
    """`….md`, the model card: what is in the files, how they were made, and what may be done with them.

    Args:
        out: the file that the card is about.
        model: what is in it, which knows its classes and the shape of a picture.
        rows: what is known of the run, by name.
        quality: a table of how good the drawn sprites are, or nothing.
        checkpoints: what the suffixes of the files mean; all of them are there.
        own: the mark of the command that writes it.
    """
    parameters, classes = sum(parameter.numel() for parameter in model.parameters()), model.classes
    network = type(model.network).__name__
    shown, asked = "fifty samples", "Nothing can be asked for: it draws\nwhatever comes."
    if classes:
        shown, asked = "ten samples of each class", f"It can be asked for {', '.join(classes)}."
        asked += "\nSome sprites were shown without their class, so it also draws without being asked for one."
    table = "\n".join(f"| {name} | " + value.replace("|", r"\|") + " |" for name, value in rows.items())
    files = {out.with_stem(out.stem + suffix): weights for suffix, weights in checkpoints.items()}
    lines = "\n".join(f"| `{file.name}` | {weights} | `{sha256(file)}` |" for file, weights in files.items())
    height, width = (model.shape or (0, 0, 0))[1:]
    card = f"""# {out.name}

![{shown.capitalize()}]({quote(os.fsencode(out.with_suffix(".png").name))})

*The first {shown}: DDIM, 50 steps, guidance scale 2, seed 0, nothing picked.*

A `{network}` with {parameters:,} parameters that draws {width}×{height} sprites. {asked}

To draw, in a shell:

```
{example(out, classes)}
```

or in Python:

```python
{_snippet(out, classes)}
```

| | |
|---|---|
{table}
{_quality(quality)}
| file | weights | sha256 |
|---|---|---|
{lines}

Made for learning how diffusion works: it knows the small pictures that it was shown, and nothing else.

<!-- {own} -->
"""
    write_own(out.with_suffix(".md"), card.encode(errors="backslashreplace"), own)


def _snippet(out: Path, classes: Sequence[str]) -> str:
    """Five lines that load the network, ask for two classes and show what it draws."""
    load = f'load_pretrained("{out.stem}")' if out.parent.name == "weights" else f"load_model({_quoted(out.name)})"
    names = ", ".join(map(_quoted, classes[:2]))
    asked = f"c = model.context({names})" if classes else "c = None"
    return f"""from course_utils import guided, {load.split("(")[0]}, sample_ddim, show_images

model, schedule = {load}
{asked}
x = sample_ddim(guided(model, 2), ({len(classes[:2]) or 8}, *model.shape), schedule, c=c)
show_images(x)"""


def _quoted(text: str) -> str:
    """A text as Python reads it, whatever quotes and signs are in it."""
    return json.dumps(text, ensure_ascii=False)


def _quality(table: str) -> str:
    if not table:
        return ""
    return f"""
How good the sprites are that it draws, with 25 steps of DDIM. Each number is the mean of {len(SEEDS)} seeds ± their
standard deviation, and the docstrings of `course_utils/quality/metrics.py` say what it means. {N} real sprites beside
{N} others give the noise floor: a perfect network would reach it.

{table}
"""
