"""Independent cases for the exercises of notebook 04: loss, training loop, learning rate, EMA and leaks."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from course_utils import (
    check_diffusion_loss,
    check_leaked,
    check_learning_rate,
    check_training_loop,
    check_update_average,
    diffusion_loss,
)


def at(table, t):
    return table[t].float().view(-1, 1, 1, 1)


def training_loss(
    times=lambda n, T, g: torch.randint(1, T + 1, (n,), generator=g),
    noise=lambda x0, g: torch.randn(x0.shape, generator=g),
    mix=lambda x0, t, eps, schedule: schedule.add_noise(x0, t, eps),
    ask=lambda model, x_t, t, c: model(x_t, t, c),
    compare=lambda eps, answer, x0, x_t: (eps - answer).square().mean(),
):
    def diffusion_loss(model, x0, c, schedule, generator):
        t = times(len(x0), schedule.T, generator)
        eps = noise(x0, generator)
        x_t = mix(x0, t, eps, schedule)
        return compare(eps, ask(model, x_t, t, c), x0, x_t)

    return diffusion_loss


def mixed(picture, noise):
    """Questions with these amounts of picture and noise, each a function of ᾱ_t and ᾱ_{t−1}."""

    def mix(x0, t, eps, schedule):
        ab, ab_prev = at(schedule.alpha_bar, t), at(schedule.alpha_bar, (t - 1).clamp(min=0))
        return picture(ab, ab_prev) * x0 + noise(ab, ab_prev) * eps

    return training_loss(mix=mix)


def compared(compare):
    return training_loss(compare=compare)


def noise_first(model, x0, c, schedule, generator):
    eps = torch.randn(x0.shape, generator=generator)
    t = torch.randint(1, schedule.T + 1, (x0.shape[0],), generator=generator)
    return (model(schedule.add_noise(x0, t, eps), t, c) - eps).pow(2).mean()


def image_by_image(model, x0, c, schedule, generator):
    t = torch.cat([torch.randint(1, schedule.T + 1, (1,), generator=generator) for _ in x0])
    eps = torch.stack([torch.randn(x.shape, generator=generator) for x in x0])
    return (model(schedule.add_noise(x0, t, eps), t, c) - eps).pow(2).mean()


def loss_in_place(model, x0, c, schedule, generator):
    t = torch.randint(1, schedule.T + 1, (len(x0),), generator=generator)
    eps = torch.randn(x0.shape, generator=generator)
    ab = at(schedule.alpha_bar, t)
    x0.mul_(ab.sqrt()).add_((1 - ab).sqrt() * eps)
    return (model(x0, t, c) - eps).pow(2).mean()


def loss_without_return(model, x0, c, schedule, generator):
    training_loss()(model, x0, c, schedule, generator)


def loop(*actions, at_the_end=lambda losses: losses, note=lambda loss: loss.item(), again=False):
    """A loop that does these things for each batch, in this order."""
    do = {
        "zero": lambda model, optimizer, loss: optimizer.zero_grad(),
        "backward": lambda model, optimizer, loss: loss.backward(),
        "clip": lambda model, optimizer, loss: nn.utils.clip_grad_norm_(model.parameters(), 1.0),
        "clip values": lambda model, optimizer, loss: nn.utils.clip_grad_value_(model.parameters(), 1.0),
        "step": lambda model, optimizer, loss: optimizer.step(),
    }
    for length in (0.1, 2, 10):
        do[f"clip to {length}"] = lambda model, _, loss, length=length: nn.utils.clip_grad_norm_(
            model.parameters(), length
        )

    def training_loop(model, optimizer, batches, loss_of):
        losses = []
        for x0, c in batches:
            loss = loss_of(model, x0, c)
            for action in actions:
                do[action](model, optimizer, loss)
            losses.append(note(loss_of(model, x0, c) if again else loss))
        return at_the_end(losses)

    return training_loop


right_loop = loop("zero", "backward", "clip", "step")


def first_batch_only(model, optimizer, batches, loss_of):
    return right_loop(model, optimizer, [next(batches)], loss_of)


def rest_left_out(model, optimizer, batches, loss_of):
    return right_loop(model, optimizer, [next(batches), next(batches)], loss_of)


def last_loss_only(model, optimizer, batches, loss_of):
    return right_loop(model, optimizer, batches, loss_of)[-1:]


def last_step_left_out(model, optimizer, batches, loss_of):
    batches = list(batches)
    losses = right_loop(model, optimizer, batches[:-1], loss_of)
    return [*losses, loss_of(model, *batches[-1]).item()]


def rate(warm_up=lambda k, n: min(1, (k + 1) / (n / 20 + 1)), cosine=lambda u: (1 + math.cos(math.pi * u)) / 2):
    return lambda step, steps: warm_up(step, steps) * cosine(step / steps)


def average_with(weights=lambda a, b, d: d * a + (1 - d) * b, fractions=torch.lerp, counter=lambda a, b: b):
    @torch.no_grad()
    def update_average(average, model, decay):
        for old, new in zip(average.parameters(), model.parameters(), strict=True):
            old.copy_(weights(old, new, decay))
        for old, new in zip(average.buffers(), model.buffers(), strict=True):
            old.copy_(fractions(old, new, 1 - decay) if new.is_floating_point() else counter(old, new))

    return update_average


def average_of_new_names(average, model, decay):
    for old, new in zip(average.parameters(), model.parameters(), strict=True):
        old = decay * old + (1 - decay) * new  # the mistake


def average_while_learning(average, model, decay):
    for old, new in zip(average.parameters(), model.parameters(), strict=True):
        old.lerp_(new, 1 - decay)


@torch.no_grad()
def average_of_fractions_everywhere(average, model, decay):
    for old, new in zip(average.parameters(), model.parameters(), strict=True):
        old.lerp_(new, 1 - decay)
    for old, new in zip(average.buffers(), model.buffers(), strict=True):
        old.lerp_(new, 1 - decay)


@torch.no_grad()
def average_in_two_steps(average, model, decay):
    for old, new in zip(average.state_dict().values(), model.state_dict().values(), strict=True):
        old.mul_(decay).add_((1 - decay) * new)


@torch.no_grad()
def average_that_changes_nothing(average, model, decay):
    average, decay  # noqa: B018


@torch.no_grad()
def average_of_parameters(average, model, decay):
    for old, new in zip(average.parameters(), model.parameters(), strict=True):
        old.lerp_(new, 1 - decay)


def average_by_state_dict(average, model, decay):
    old, new = average.state_dict(), model.state_dict()
    average.load_state_dict(
        {name: torch.lerp(old[name], new[name], 1 - decay) if "num" not in name else new[name] for name in old}
    )


def average_turned_round(average, model, decay):
    average_with()(model, average, decay)


def root(ab, _):
    return ab.sqrt()


def rest(ab, _):
    return (1 - ab).sqrt()


def leaked(held_out, training):
    return (torch.cdist(held_out.flatten(1), training.flatten(1), p=torch.inf) <= 0.01).any(dim=1)


def leaked_in_loops(held_out, training):
    found = [any(torch.allclose(a, b, rtol=0, atol=0.01) for b in training) for a in held_out]
    return torch.tensor(found)


def leaked_by_broadcasting(held_out, training):
    return ~((held_out[:, None] - training).abs() > 0.01).any((2, 3, 4)).all(1)


def leaked_by_the_nearest(held_out, training):
    answers = torch.zeros(len(held_out), dtype=torch.bool)
    for i, picture in enumerate(held_out):
        answers[i] = (training - picture).abs().amax((1, 2, 3)).min() < 0.01
    return answers


def leaked_by_isclose(held_out, training):
    return torch.stack([torch.isclose(training, x, atol=0.01).flatten(1).all(1).any() for x in held_out])


def distances(held_out, training, p):
    return torch.cdist(held_out.flatten(1), training.flatten(1), p=p)


def exact(held_out, training):
    return torch.stack([(training == picture).flatten(1).all(1).any() for picture in held_out])


def row_by_row(held_out, training):
    n = min(len(held_out), len(training))
    return (held_out[:n] - training[:n]).abs().flatten(1).amax(1) <= 0.01


def all_but_the_first(held_out, training):
    found = leaked(held_out, training)
    found[found.nonzero()[0]] = False
    return found


def one_too_many(held_out, training):
    found = leaked(held_out, training)
    found[(~found).nonzero()[0]] = True
    return found


def leaked_in_place(held_out, training):
    return leaked(held_out.clamp_(-0.5, 0.5), training.clamp_(-0.5, 0.5))


OTHER_WAYS = [
    (check_diffusion_loss, training_loss()),
    (check_training_loop, right_loop),
    (check_learning_rate, rate()),
    (check_update_average, average_with()),
    (check_diffusion_loss, mixed(lambda ab, _: ab.sqrt(), lambda ab, _: (1 - ab).sqrt())),
    (check_diffusion_loss, compared(lambda eps, answer, x0, x_t: F.mse_loss(answer, eps))),
    (
        check_diffusion_loss,
        lambda model, x0, c, schedule, generator: diffusion_loss(model, x0, c, schedule, None, generator),
    ),
    (check_diffusion_loss, noise_first),
    (check_diffusion_loss, image_by_image),
    (check_training_loop, loop("backward", "clip", "step", "zero")),
    (check_learning_rate, rate(cosine=lambda u: math.cos(math.pi * u / 2) ** 2)),
    (check_learning_rate, lambda step, steps: torch.tensor(rate()(step, steps))),
    (check_update_average, average_with(fractions=lambda a, b, share: b)),
    (check_update_average, average_by_state_dict),
    (check_leaked, leaked),
    (check_leaked, leaked_in_loops),
    (check_leaked, leaked_by_broadcasting),
    (check_leaked, leaked_by_the_nearest),
    (check_leaked, leaked_by_isclose),
]

MISTAKES = [
    (check_learning_rate, lambda step, steps: f"{rate()(step, steps):.3f}", "it returns a str, expected a single"),
    (
        check_learning_rate,
        rate(warm_up=lambda k, n: min(1, (k + 1) / (n // 20 + 1))),
        "has n // 20 + 1, and // rounds down",
    ),
    (check_learning_rate, rate(warm_up=lambda k, n: min(1, (k + 1) / (n // 20))), "which rounds down, and no + 1"),
    (check_learning_rate, rate(warm_up=lambda k, n: min(1, (k + 1) / (n / (20 + 1)))), "added after the division"),
    (check_learning_rate, rate(warm_up=lambda k, n: min(1, (k + 1) / n / 20 + 1)), "the brackets of the warm-up"),
    (check_learning_rate, rate(warm_up=lambda k, n: min(1, (k + 1) / (n // 4 / 5 + 1))), "of 47, the result"),
    (check_learning_rate, rate(cosine=lambda u: 1 + math.cos(math.pi * u) / 2), "close the bracket before / 2"),
    (
        check_learning_rate,
        lambda k, n: min(1, (k + 1) / (n / 20 + 1)) * (0.5 + 0.5 * math.cos(math.pi * k / (n - 1))),
        "the cosine has k / (n − 1)",
    ),
    (
        check_learning_rate,
        rate(cosine=lambda u: (1 + torch.cos(math.pi * u)) / 2),
        "Use math.cos: step and steps are plain numbers",
    ),
    *[
        (check_training_loop, loop("zero", "backward", f"clip to {length}", "step"), "another length than 1.")
        for length in (0.1, 2, 10)
    ],
    (check_training_loop, loop("zero", "backward", "clip", "step", again=True), "computed before the step."),
    (
        check_diffusion_loss,
        training_loss(times=lambda n, T, g: 1 + torch.arange(n) % T),
        "every generator gives the same times",
    ),
    (
        check_diffusion_loss,
        training_loss(lambda n, T, g: torch.randint(1, T + 1, (1,), generator=g).expand(n)),
        "share one t",
    ),
    (
        check_diffusion_loss,
        training_loss(lambda n, T, g: torch.randint(0, T + 1, (n,), generator=g)),
        "Draw it with torch.randint(1",
    ),
    (
        check_diffusion_loss,
        training_loss(
            lambda n, T, g: torch.randint(0, T + 1, (n,), generator=g),
            mix=lambda x0, t, eps, s: root(at(s.alpha_bar, t), 0) * x0 + rest(at(s.alpha_bar, t), 0) * eps,
        ),
        "t = 0 is drawn",
    ),
    (
        check_diffusion_loss,
        training_loss(lambda n, T, g: torch.randint(1, T, (n,), generator=g)),
        "t = T = 6 is never drawn",
    ),
    (
        check_diffusion_loss,
        training_loss(lambda n, T, g: torch.randint(2, T + 1, (n,), generator=g)),
        "t = 1 is never drawn",
    ),
    (
        check_diffusion_loss,
        training_loss(lambda n, T, g: 1 + (T * torch.rand(n, generator=g) ** 2).long()),
        "drawn more often than others",
    ),
    (check_diffusion_loss, training_loss(lambda n, T, g: torch.randint(1, T + 1, (n,))), "from the generator"),
    (check_diffusion_loss, training_loss(noise=lambda x0, g: torch.randn(x0.shape)), "from the generator"),
    (check_diffusion_loss, training_loss(noise=lambda x0, g: torch.rand(x0.shape, generator=g)), "has not mean 0"),
    (
        check_diffusion_loss,
        training_loss(noise=lambda x0, g: torch.randn(x0[:1].shape, generator=g).expand_as(x0)),
        "the same for all images of the batch",
    ),
    (
        check_diffusion_loss,
        training_loss(noise=lambda x0, g: torch.randn(x0[:, :1].shape, generator=g).expand_as(x0)),
        "the same for all colours",
    ),
    (
        check_diffusion_loss,
        training_loss(noise=lambda x0, g: torch.randn(x0[..., :1].shape, generator=g).expand_as(x0)),
        "the same for all columns",
    ),
    (check_diffusion_loss, mixed(lambda ab, _: ab**0, lambda ab, _: 0 * ab), "about the clean picture"),
    (check_diffusion_loss, mixed(lambda ab, _: 0 * ab, lambda ab, _: ab**0), "about the noise alone"),
    (check_diffusion_loss, mixed(root, lambda ab, _: 1 - ab), "That is its variance"),
    (check_diffusion_loss, mixed(lambda ab, _: ab, rest), "the formula has √ᾱ_t"),
    (check_diffusion_loss, mixed(lambda ab, _: ab, lambda ab, _: 1 - ab), "both square roots are missing"),
    (check_diffusion_loss, mixed(rest, root), "have changed places in x_t"),
    (
        check_diffusion_loss,
        mixed(lambda ab, ab_prev: (ab / ab_prev).sqrt(), lambda ab, ab_prev: (1 - ab / ab_prev).sqrt()),
        "x_t is a single step",
    ),
    (
        check_diffusion_loss,
        mixed(lambda ab, ab_prev: ab_prev.sqrt(), lambda ab, ab_prev: (1 - ab_prev).sqrt()),
        "Our tables begin with the clean image",
    ),
    (check_diffusion_loss, mixed(root, lambda ab, _: ab**0), "the noise in x_t is not scaled"),
    (check_diffusion_loss, mixed(lambda ab, _: ab.sqrt() / 2, rest), "at t = 1, x_t is 0.49 x_0 + 0.22 ε"),
    (check_diffusion_loss, training_loss(ask=lambda model, x_t, t, c: model(x_t, t.flip(0), c)), "told other times"),
    (
        check_diffusion_loss,
        training_loss(ask=lambda model, x_t, t, c: model(x_t, t / 6, c)),
        "wants t as whole numbers",
    ),
    (check_diffusion_loss, training_loss(ask=lambda model, x_t, t, c: model(x_t, 3, c)), "wants t as whole numbers"),
    (check_diffusion_loss, training_loss(ask=lambda model, x_t, t, c: model(x_t[:9], t[:9], c)), "asked about shape"),
    (
        check_diffusion_loss,
        training_loss(ask=lambda model, x_t, t, c: model(x_t.double(), t, c)),
        "x_t is torch.float64",
    ),
    (check_diffusion_loss, training_loss(ask=lambda model, x_t, t, c: model(x_t, t)), "not told the context"),
    (check_diffusion_loss, training_loss(ask=lambda model, x_t, t, c: model(x_t, t, 0 * c)), "another context"),
    (check_diffusion_loss, training_loss(ask=lambda model, x_t, t, c: x_t), "the model is never asked"),
    (
        check_diffusion_loss,
        compared(lambda eps, answer, x0, x_t: (eps - answer).square().sum()),
        "the loss is a sum over all",
    ),
    (
        check_diffusion_loss,
        compared(lambda eps, answer, x0, x_t: (eps - answer).square().sum((1, 2, 3)).mean()),
        "the numbers of each image",
    ),
    (
        check_diffusion_loss,
        compared(lambda eps, answer, x0, x_t: (eps - answer).abs().mean()),
        "the mean of its absolute value",
    ),
    (
        check_diffusion_loss,
        compared(lambda eps, answer, x0, x_t: (eps - answer).square().mean().sqrt()),
        "leave the root out",
    ),
    (
        check_diffusion_loss,
        compared(lambda eps, answer, x0, x_t: (eps - answer).square().mean() / 2),
        "half of the mean",
    ),
    (
        check_diffusion_loss,
        compared(lambda eps, answer, x0, x_t: (x0 - answer).square().mean()),
        "the target is the clean picture",
    ),
    (check_diffusion_loss, compared(lambda eps, answer, x0, x_t: (x_t - answer).square().mean()), "the target is x_t"),
    (check_diffusion_loss, compared(lambda eps, answer, x0, x_t: (answer - eps).mean()), "half of it cancels"),
    (check_diffusion_loss, compared(lambda eps, answer, x0, x_t: answer.square().mean()), "compared with nothing"),
    (
        check_diffusion_loss,
        compared(lambda eps, answer, x0, x_t: (eps.roll(1, 0) - answer).square().mean()),
        "the target is fresh noise",
    ),
    (check_diffusion_loss, compared(lambda eps, answer, x0, x_t: (eps - answer).square()), "the loss has shape"),
    (
        check_diffusion_loss,
        compared(lambda eps, answer, x0, x_t: (eps - answer).square().mean().item()),
        "it returns a float",
    ),
    (
        check_diffusion_loss,
        compared(lambda eps, answer, x0, x_t: (eps - answer).square().mean().detach()),
        "has no gradient",
    ),
    (
        check_diffusion_loss,
        training_loss(noise=lambda x0, g: 2 * torch.rand(x0.shape, generator=g) - 1),
        "the noise is not Gaussian",
    ),
    (
        check_diffusion_loss,
        compared(lambda eps, answer, x0, x_t: (eps - answer).mean() ** 2),
        "square each error first",
    ),
    (check_diffusion_loss, compared(lambda eps, answer, x0, x_t: (eps + answer).square().mean()), "a sign is wrong"),
    (check_diffusion_loss, mixed(root, lambda ab, _: -((1 - ab).sqrt())), "a sign is wrong"),
    (check_diffusion_loss, loss_in_place, "changes its arguments"),
    (check_diffusion_loss, loss_without_return, "diffusion_loss returns None"),
    (check_training_loop, loop("backward", "clip", "step"), "the gradients of all batches add up"),
    (check_training_loop, loop("zero"), "no weight has changed"),
    (check_training_loop, loop("step", "zero", "backward", "clip"), "comes before loss.backward()"),
    (check_training_loop, loop("zero", "backward", "step"), "not clipped where it counts"),
    (check_training_loop, loop("zero", "backward", "step", "clip"), "not clipped where it counts"),
    (check_training_loop, loop("zero", "clip", "backward", "step"), "not clipped where it counts"),
    (check_training_loop, loop("zero", "backward", "clip values", "step"), "changes its direction"),
    (check_training_loop, loop("zero", "backward", "clip", "step", "step"), "the first loss is right and later ones"),
    (check_training_loop, first_batch_only, "it returns after the first batch"),
    (check_training_loop, loop("zero", "backward", "clip", "step", note=lambda loss: loss), "put loss.item()"),
    (
        check_training_loop,
        loop("zero", "backward", "clip", "step", at_the_end=lambda losses: None),
        "training_loop returns None",
    ),
    (check_training_loop, loop("zero", "backward", "clip", "step", at_the_end=sum), "it returns a float"),
    (check_training_loop, loop("zero", "backward", "backward"), "stops with RuntimeError"),
    (check_training_loop, rest_left_out, "it returns after 2 of 5 batches"),
    (check_training_loop, last_loss_only, "has length 1, expected 5"),
    (check_training_loop, last_step_left_out, "the losses are right, and the last weights are not"),
    (
        check_training_loop,
        loop("zero", "backward", "clip", "step", note=lambda loss: loss.detach()),
        "are tensors: put loss.item()",
    ),
    (
        check_training_loop,
        loop("zero", "backward", "clip", "step", note=lambda loss: loss.item),
        "expected plain numbers",
    ),
    (check_learning_rate, rate(warm_up=lambda k, n: 1), "the warm-up is missing"),
    (check_learning_rate, rate(cosine=lambda u: 1), "the decay is missing"),
    (check_learning_rate, rate(warm_up=lambda k, n: (k + 1) / (n / 20 + 1)), "the warm-up never ends"),
    (check_learning_rate, rate(warm_up=lambda k, n: min(1, k / (n / 20))), "begins with 0"),
    (check_learning_rate, rate(warm_up=lambda k, n: min(1, k / (n / 20 + 1))), "has k where (5) has k + 1"),
    (check_learning_rate, rate(warm_up=lambda k, n: max(1, (k + 1) / (n / 20 + 1))), "the larger of two numbers"),
    (check_learning_rate, rate(cosine=lambda u: math.cos(math.pi * u)), "add 1 and halve it"),
    (check_learning_rate, rate(cosine=lambda u: 1 + math.cos(math.pi * u)), "the cosine is not halved"),
    (check_learning_rate, rate(cosine=lambda u: (1 - math.cos(math.pi * u)) / 2), "upside down"),
    (check_learning_rate, rate(cosine=lambda u: (1 + math.cos(2 * math.pi * u)) / 2), "a whole turn"),
    (check_learning_rate, rate(cosine=lambda u: 1 - u), "falls in a straight line"),
    (check_learning_rate, rate(cosine=lambda u: (1 + math.cos(u)) / 2), "π is missing"),
    (
        check_learning_rate,
        lambda k, n: min(1, (k + 1) / (n / 20 + 1)) + (1 + math.cos(math.pi * k / n)) / 2,
        "are added",
    ),
    (check_learning_rate, lambda k, n: 1e-3 * rate()(k, n), "the result is"),
    (check_update_average, average_with(lambda a, b, d: (1 - d) * a + d * b), "have changed places"),
    (check_update_average, average_with(lambda a, b, d: b), "is now a copy of the model"),
    (check_update_average, average_with(lambda a, b, d: (1 - d) * b), "what was there is gone"),
    (check_update_average, average_with(lambda a, b, d: d * a + b), "so the weights grow"),
    (check_update_average, average_with(lambda a, b, d: a), "loop over .parameters() too"),
    (check_update_average, average_with(lambda a, b, d: (a + b) / 2), "the result is 0.5000 old + 0.5000 new"),
    (check_update_average, average_with(fractions=lambda a, b, share: a), "it forgets the buffers"),
    (check_update_average, average_with(counter=lambda a, b: a), "it forgets the counter"),
    (check_update_average, average_of_new_names, "the average is what it was"),
    (check_update_average, average_while_learning, "under torch.no_grad()"),
    (check_update_average, average_turned_round, "it changes the model"),
    (check_update_average, average_of_fractions_everywhere, "stops with NotImplementedError"),
    (check_update_average, average_of_fractions_everywhere, "are whole numbers, without fractions: copy them"),
    (check_update_average, average_in_two_steps, "are whole numbers, without fractions: copy them"),
    (check_update_average, average_that_changes_nothing, "the average is what it was"),
    (check_update_average, average_of_parameters, "it forgets the buffers"),
    (check_update_average, average_with(fractions=lambda a, b, share: (a + b) / 2), "among the buffers, the result is"),
    (check_update_average, average_with(counter=lambda a, b: (a + b) // 2), "it changes the counter"),
    (check_leaked, exact, "only exact copies are found"),
    (check_leaked, lambda h, t: (distances(h, t, torch.inf) < 1e-4).any(1), "only exact copies are found"),
    (check_leaked, lambda h, t: (distances(h, t, 2) <= 0.01).any(1), "copies that were rounded are not found"),
    (check_leaked, lambda h, t: (distances(h, t, 1) <= 0.01).any(1), "copies that were rounded are not found"),
    (check_leaked, lambda h, t: (distances(h, t, 2) <= 0.055).any(1), "so they are the same, and it says False"),
    (check_leaked, lambda h, t: (distances(h, t, 2) <= 0.07).any(1), "not at the mean, and allow 0.01"),
    (check_leaked, lambda h, t: (distances(h, t, 1) / h[0].numel() <= 0.01).any(1), "not at the mean, and allow 0.01"),
    (check_leaked, lambda h, t: (distances(h, t, torch.inf) <= 0.1).any(1), "not at the mean, and allow 0.01"),
    (check_leaked, lambda h, t: (distances(h, t, torch.inf) <= 0.02).any(1), "differ by up to 0.015, and it says True"),
    (check_leaked, lambda h, t: (distances(h, t, torch.inf) <= 0.005).any(1), "up to 0.008, so they are the same, and"),
    (check_leaked, lambda h, t: torch.ones(len(h), dtype=torch.bool), "every picture is found"),
    (check_leaked, lambda h, t: torch.zeros(len(h), dtype=torch.bool), "no picture is found"),
    (check_leaked, lambda h, t: (distances(h, t, torch.inf) <= 0.01).all(1), "no picture is found"),
    (check_leaked, row_by_row, "each is compared with the one at the same position"),
    (
        check_leaked,
        lambda h, t: (h - t).abs().flatten(1).amax(1) <= 0.01,
        "each is compared with each: torch.cdist does it",
    ),
    (check_leaked, lambda h, t: leaked(t, h), "there is an answer for each training picture"),
    (check_leaked, lambda h, t: (distances(h, t, torch.inf) <= 0.01).any(0), "an answer for each training picture"),
    (check_leaked, lambda h, t: distances(h, t, torch.inf) <= 0.01, "there is an answer for each pair"),
    (check_leaked, lambda h, t: (distances(h, t, torch.inf) > 0.01).all(1), "True and False have changed places"),
    (
        check_leaked,
        lambda h, t: (distances(h, t, torch.inf) <= 0.01).sum(1),
        "it returns torch.int64, expected torch.bool",
    ),
    (check_leaked, lambda h, t: leaked(h, t).float(), "it returns torch.float32, expected torch.bool"),
    (check_leaked, lambda h, t: leaked(h, t).sum(), "it returns one answer for all held-out pictures"),
    (check_leaked, lambda h, t: leaked(h, t).any(), "it returns one answer for all held-out pictures"),
    (check_leaked, lambda h, t: leaked(h, t).sum().item(), "it returns one answer for all held-out pictures"),
    (check_leaked, lambda h, t: leaked(h, t).tolist(), "it returns a list, expected a tensor of True and False"),
    (check_leaked, lambda h, t: leaked(h, t)[:, None], "has shape (8, 1), expected (8,)"),
    (check_leaked, all_but_the_first, "so they are the same, and it says False"),
    (check_leaked, one_too_many, "and it says True"),
    (check_leaked, leaked_in_place, "it changes its arguments"),
    (check_leaked, lambda h, t: None, "leaked returns None"),
]


@pytest.mark.parametrize(("check", "attempt"), OTHER_WAYS)
def test_other_ways_to_write_it_pass_too(check, attempt):
    assert {check.verdict(attempt, seed) for seed in range(5)} == {f"✓ {check.name} is right."}


@pytest.mark.parametrize(("check", "attempt", "message"), MISTAKES, ids=[message for *_, message in MISTAKES])
def test_a_mistake_is_called_by_its_name(check, attempt, message):
    verdict = check.verdict(attempt)
    assert verdict.startswith("✗")
    assert message in verdict


@torch.no_grad()
def decorated_stub(average, model, decay): ...


def test_a_decorated_stub_is_not_attempted():
    assert check_update_average.verdict(decorated_stub).startswith("○ update_average: not attempted yet")


def test_the_pictures_of_the_leaks_are_of_every_kind():
    """Largest differences of the nearest are exact in single precision, and no limit to their sum tells leaks apart."""
    for seed in range(20):
        for case in check_leaked.cases(seed):
            held_out, training = case.arguments
            assert len(held_out) != len(training)
            by_hand = (held_out[:, None] - training).abs().flatten(2)
            assert torch.equal(distances(held_out, training, torch.inf), by_hand.amax(2))
            nearest = by_hand.amax(2).amin(1)
            leaks = leaked(held_out, training)
            assert leaks.sum() == 4
            assert nearest[leaks].max() < 0.0081
            assert nearest[~leaks].min() > 0.0149
            assert not torch.equal(leaks, exact(held_out, training))
            assert not row_by_row(held_out, training).any()
            sums = by_hand.square().sum(2).amin(1)
            assert sums[leaks].max() > sums[~leaks].min()
