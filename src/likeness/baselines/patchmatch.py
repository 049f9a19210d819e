"""PatchMatch as a completion algorithm (Barnes, Shechtman, Finkelstein & Goldman 2009; voting of Wexler et al. 2007).

No learning: the hole is filled from coarse to fine with patches of what is known of the same picture, here of the parts
themselves. With so little known it cannot invent a face; the paper shows it for just that.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate, max_pool2d, pad, unfold


class PatchMatch:
    """Fill all but the parts by patches of the parts.

    Args:
        patch: side of a patch, odd.
        rounds: (nearest-neighbour search, vote) rounds a scale, but one at full size.
        sweeps: propagations and random searches in a round.
        seed: the chance in the searches.
    """

    title = "PatchMatch"

    def __init__(self, patch: int = 5, rounds: int = 2, sweeps: int = 2, seed: int = 0) -> None:
        self.patch, self.rounds, self.sweeps, self.seed = patch, rounds, sweeps, seed

    def paint(self, colours: Tensor, cover: Tensor) -> Tensor:
        """Average-face colours B × 3 × S × S in [-1, 1] and their cover B × 1 × S × S, to pictures B × 3 × S × S."""
        scales = [(colours, (cover > 0.5).to(cover))]  # laid by interpolation, a cover can be a little over 0
        while scales[-1][0].shape[-1] > 32:
            picture, known = scales[-1]
            share = avg_pool2d(known, 2)
            scales.append((avg_pool2d(picture * known, 2) / share.clamp(min=1e-3), (share > 0.5).to(share)))
        chance = torch.Generator().manual_seed(self.seed)
        picture, known = scales[-1]
        mean = (picture * known).sum((2, 3), keepdim=True) / known.sum((2, 3), keepdim=True).clamp(min=1)
        filled = torch.where(known > 0, picture, mean.expand_as(picture))
        for picture, known in reversed(scales):
            if filled.shape[-1] != picture.shape[-1]:
                filled = interpolate(filled, scale_factor=2.0, mode="bilinear")
            filled = torch.where(known > 0, picture, filled)
            for _ in range(self.rounds if picture.shape[-1] < colours.shape[-1] else 1):
                filled = torch.where(known > 0, picture, self._vote(filled, known, chance))
        return filled

    def _vote(self, filled: Tensor, known: Tensor, chance: torch.Generator) -> Tensor:
        """One search for each place's nearest known patch, and the mean of what the overlapping patches say."""
        count, _, height, width = filled.shape
        half = self.patch // 2
        patches = unfold(pad(filled, (half,) * 4, mode="replicate"), self.patch).transpose(1, 2).contiguous()
        whole = -max_pool2d(-pad(known, (half,) * 4), self.patch, 1)  # patches that lie wholly in the known region
        usable = torch.where(whole.flatten(1).any(1)[:, None], whole.flatten(1), known.flatten(1)) > 0
        usable |= ~usable.any(1, keepdim=True)
        sources = [torch.nonzero(row).flatten() for row in usable]
        draw = torch.stack([row[torch.randint(len(row), (height * width,), generator=chance)] for row in sources])
        best = torch.where(usable, torch.arange(height * width), draw)  # a usable patch is its own nearest
        error = self._error(patches, best)
        for sweep in range(self.sweeps):
            for dy, dx in ((0, 1), (1, 0), (0, -1), (-1, 0)):  # propagate: what suits my neighbour, moved along, may suit me
                field = best.reshape(count, height, width)
                moved = torch.roll(field, (dy, dx), (1, 2))
                y = (moved // width + dy).clamp(0, height - 1)
                x = (moved % width + dx).clamp(0, width - 1)
                best, error = self._better(patches, best, error, (y * width + x).flatten(1), usable)
            reach = max(height, width) // 2
            while reach >= 1:  # random search, ever nearer
                jump = torch.randint(-reach, reach + 1, (2, count, height * width), generator=chance)
                y = (best // width + jump[0]).clamp(0, height - 1)
                x = (best % width + jump[1]).clamp(0, width - 1)
                best, error = self._better(patches, best, error, y * width + x, usable)
                reach //= 4 if sweep else 2
        found = patches.gather(1, best[..., None].expand(-1, -1, patches.shape[2]))
        total = torch.nn.functional.fold(found.transpose(1, 2), (height + 2 * half, width + 2 * half), self.patch)
        ones = torch.nn.functional.fold(torch.ones_like(found).transpose(1, 2), (height + 2 * half, width + 2 * half), self.patch)
        return (total / ones)[..., half : half + height, half : half + width]

    @staticmethod
    def _error(patches: Tensor, candidates: Tensor) -> Tensor:
        chosen = patches.gather(1, candidates[..., None].expand(-1, -1, patches.shape[2]))
        return (chosen - patches).square().sum(2)

    def _better(self, patches: Tensor, best: Tensor, error: Tensor, candidates: Tensor, usable: Tensor) -> tuple[Tensor, Tensor]:
        """Take a candidate where it is usable and nearer."""
        tried = self._error(patches, candidates)
        wins = usable.gather(1, candidates) & (tried < error)
        return torch.where(wins, candidates, best), torch.where(wins, tried, error)
