"""Every equation of Shen, Zhou, Luo & Tang 2018, each a function, and what each player minimises.

Symbols: x^r a real face, x^rec its reconstruction, x^s a made face; f_id, f_1, f_2 features, f_i^r real and f_i^s made ones;
D^I and D_i^f give logits, so that −log D = softplus(−logit) and −log(1 − D) = softplus(logit). A projected D^I gives logits of
several heads and is trained by the hinge loss.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, normalize, relu, softplus

from likeness.losses import perceptual
from likeness.losses.adversarial import Judgement
from likeness.losses.processes import share_of
from likeness.records import Term
from likeness.systems.facefeat.recipes import Weights


def energy(logits: Judgement) -> Tensor:
    """(9), (10) φ = −E[log D(·)], what a generator minimises of its own; of heads −E[D(·)], the mean over them."""
    if isinstance(logits, Tensor):
        return softplus(-logits.float()).mean()
    return -torch.stack([head.float().mean() for head in logits]).mean()


def real_energy(logits: Judgement) -> Tensor:
    """(9), (10) φ as a discriminator minimises it of real ones; of heads E[max(0, 1 − D(·))]."""
    if isinstance(logits, Tensor):
        return softplus(-logits.float()).mean()
    return torch.stack([relu(1 - head.float()).mean() for head in logits]).mean()


def fake_energy(logits: Judgement) -> Tensor:
    """−E[log(1 − D(·))], the bounded form of −φ in (2) and (4); of heads E[max(0, 1 + D(·))]."""
    if isinstance(logits, Tensor):
        return softplus(logits.float()).mean()
    return torch.stack([relu(1 + head.float()).mean() for head in logits]).mean()


def classification(logits: Tensor, people: Tensor) -> Tensor:
    """(5) The cross-entropy of people's numbers, B × N logits against B; −1 is nobody's, and all −1 gives 0."""
    total = cross_entropy(logits.float(), people.long(), ignore_index=-1, reduction="sum")
    return total / share_of((people >= 0).sum())


def regression(found: Tensor, truth: Tensor, importance: Tensor) -> Tensor:
    """(7) (E_1(x) − f_3d)ᵀ W_3d (E_1(x) − f_3d), divided by how many numbers f_3d has, the mean over faces.

    Args:
        found, truth: B × K in deviations over the training faces.
        importance: K, the diagonal of W_3d.
    """
    return ((found.float() - truth).square() * importance).mean()


def reconstruction(photo: Tensor, made: Tensor) -> Tensor:
    """(8), and φ_rec of (3): ‖x^r − x^rec‖₁, divided by how many numbers a picture has."""
    return (photo.float() - made.float()).abs().mean()


def identity_loss(features: Tensor, made: Tensor) -> Tensor:
    """(11) φ_id = ‖f_id − E_id(x)‖₂², both of unit length, so from 0 to 4; the mean over faces."""
    return (normalize(features.float(), dim=1) - normalize(made.float(), dim=1)).square().sum(1).mean()


def through(value: Tensor, gradient: Tensor, feature: Tensor) -> Tensor:
    """``value`` as a function of ``feature``, to first order: it has this value, and hands back this gradient.

    So several players move by one backward pass through networks at rest.
    """
    moved = (gradient.detach() * (feature.float() - feature.detach().float())).sum()
    return value.detach() + moved


def feature_generator_terms(logits: Tensor, image: Tensor | None, weights: Weights, number: int) -> dict[str, Term]:
    """(1) What G_i^f minimises: φ_i^f(f_i^s) + λ_i^f φ^I(x^s); no φ_id. ``image`` is φ^I(x^s) as a function of f_i^s."""
    terms = {}
    if weights.feature:
        terms[f"feature{number}"] = Term(energy(logits), weights.feature, "(1), first term")
    if image is not None:
        share = weights.image_share1 if number == 1 else 1.0
        terms[f"image_feature{number}"] = Term(image, share * weights.image_feature, "(1), second term")
    return terms


def feature_discriminator_terms(real: Tensor, fake: Tensor, number: int) -> dict[str, Term]:
    """(2) What D_i^f minimises: −log D_i^f(f_i^r) − log(1 − D_i^f(f_i^s))."""
    return {f"feature_critic{number}": Term(real_energy(real) + fake_energy(fake), 1.0, "(2)")}


def discriminator_terms(real: Judgement, made: Judgement | None, rebuilt: Judgement, weights: Weights) -> dict[str, Term]:
    """(4) What D^I minimises: −log D(x^r) − λ_3 log(1 − D(x^s)) − λ_4 log(1 − D(x^rec))."""
    terms = {"critic_real": Term(real_energy(real), 1.0, "(4), first term")}
    if made is not None and weights.critic_made:
        terms["critic_made"] = Term(fake_energy(made), weights.critic_made, "(4), second term")
    if weights.critic_rec:
        terms["critic_rec"] = Term(fake_energy(rebuilt), weights.critic_rec, "(4), third term")
    return terms


def perception(features: perceptual.Features, photo: Tensor, made: Tensor) -> Tensor:
    """Σᵢ mean|Φᵢ(x^r) − Φᵢ(x^rec)|, which joins φ_rec where a recipe says so; not the paper's."""
    with torch.no_grad():
        real = features(photo)
    return perceptual.feature_distance(real, features(made))


def reconstruction_terms(
    photo: Tensor, made: Tensor, look: Callable[[], Tensor], weights: Weights, disabled_terms: Sequence[str] = ()
) -> dict[str, Term]:
    """φ_rec of (3), and what E_2 minimises (8): the l1 distance, and where a recipe says so ``look()``, the perceptual one."""
    terms = {}
    if weights.reconstruction and "reconstruction" not in disabled_terms:
        terms["reconstruction"] = Term(reconstruction(photo, made), weights.reconstruction, "(8)")
    if weights.perceptual and "perceptual" not in disabled_terms:
        terms["perceptual"] = Term(look(), weights.perceptual, "with (8)")
    return terms
