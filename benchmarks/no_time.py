"""What a network that is never told the time loses in pictures, beside one that is told.

Both learn as in `ablations.py`, but for 2,000 steps, three trainings with a seed each; once they put out x_0, as there,
and once v. Then they draw 500 sprites by DDIM and by respaced DDPM, with 25 steps. Prints a table and writes
data/no_time.csv, which notebook 03 reads. About 50 minutes on one CPU core:
OMP_NUM_THREADS=1 python benchmarks/no_time.py
"""

import csv
import os
from collections import defaultdict, deque
from itertools import product
from pathlib import Path
from statistics import fmean

os.environ["TQDM_DISABLE"] = "1"  # read when tqdm is imported

import torch
from ablations import SCHEDULE, SEEDS, held_out_sprites, training
from steps import draw

from course_utils import FromV, FromX0, load_classifier
from course_utils.diffusion.models import Model
from course_utils.quality.evaluation import floor, grade

FILE = Path(__file__).parents[1] / "data" / "no_time.csv"
PUTS_OUT = {"x0": FromX0, "v": FromV}
NETWORKS, SAMPLERS, STEPS, DRAWN_IN = ("whole", "no t"), ("DDIM", "DDPM, respaced"), 2000, 25
SHOWN = {"frechet_distance": ".1f", "context_accuracy": ".0%", "clean_share": ".0%"}
FORMS = {"loss": ".4f", **SHOWN}


def error_of_x0(model: Model) -> float:
    """The mean squared error on 1,000 held-out sprites, their times spread evenly, with the noise of `ablations.py`."""
    x0, c = held_out_sprites()
    t, eps = torch.linspace(1, 500, 1000).long(), torch.randn(x0.shape, generator=torch.Generator().manual_seed(0))
    x_t = SCHEDULE.add_noise(x0, t, eps)
    with torch.no_grad():
        batches = zip(x_t.split(50), t.split(50), c.split(50), strict=True)
        x0_hat = [SCHEDULE.predict_x0(x, times, model(x, times, asked)) for x, times, asked in batches]
    return (x0 - torch.cat(x0_hat)).square().mean().item()


def cell(numbers: list[float], form: str) -> str:
    return f"{fmean(numbers):{form}} ({min(numbers):{form}} … {max(numbers):{form}})"


def main() -> None:
    part, found, judge = FILE.with_suffix(".part"), defaultdict(list), load_classifier()
    with part.open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, ["puts_out", "network", "sampler", "seed", *FORMS], lineterminator="\n")
        table.writeheader()
        for puts_out, seed, network in product(PUTS_OUT, SEEDS, NETWORKS):
            model = deque(training(network, seed, STEPS, PUTS_OUT[puts_out]), maxlen=1).pop().averaged.eval()
            loss = error_of_x0(model)
            for sampler in SAMPLERS:
                quality = grade(judge, draw(model, SCHEDULE, sampler, DRAWN_IN), seed)._asdict()
                found[puts_out, network, sampler].append({"loss": loss, **{name: quality[name] for name in SHOWN}})
                numbers = {name: f"{number:.4f}" for name, number in found[puts_out, network, sampler][-1].items()}
                row = {"puts_out": puts_out, "network": network, "sampler": sampler, "seed": seed}
                table.writerow(row | numbers)
                file.flush()
    part.replace(FILE)
    real = fmean(floor(judge, seed).frechet_distance for seed in SEEDS)
    print(f"After {STEPS:,} steps, mean of {len(SEEDS)} trainings (smallest … largest); real sprites: {real:.1f}\n")
    print("| puts out | network | sampler | error of x_0 | Fréchet distance | context accuracy | clean |")
    print("|---|---|---|---|---|---|---|")
    for names, rows in found.items():
        cells = [cell([row[name] for row in rows], form) for name, form in FORMS.items()]
        print(f"| {' | '.join([*names, *cells])} |")


if __name__ == "__main__":
    main()
