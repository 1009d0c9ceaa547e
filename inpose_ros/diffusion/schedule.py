"""NoiseSchedule: how much of the clean pose is left at each diffusion step."""

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor


class NoiseSchedule:
    """The linear beta schedule of DDPM (Ho et al., 2020), as the paper uses it: 1e-4 to 0.02 over 1000 steps."""

    def __init__(self, steps: int = 1000, beta_start: float = 1e-4, beta_end: float = 0.02) -> None:
        beta = torch.linspace(beta_start, beta_end, steps, dtype=torch.float64)
        self.alpha_bar: Float[Tensor, step] = (1 - beta).cumprod(0).float()
        self._signal = self.alpha_bar.double().sqrt().numpy()

    def __len__(self) -> int:
        return len(self.alpha_bar)

    @property
    def last(self) -> int:
        """The noisiest step, at which nothing but the condition speaks."""
        return len(self) - 1

    def respaced(self, count: int) -> list[int]:
        """`count` steps, evenly spaced, from the noisiest down to 0 (the order in which they are taken)."""
        return torch.linspace(self.last, 0, count).round().long().tolist() if count > 1 else [self.last]

    def signal(self, steps: Int[np.ndarray, '*batch']) -> Float[np.ndarray, '*batch']:
        """sqrt(abar): how much of the clean pose is left."""
        return self._signal[steps]

    def noised(
        self, clean: Float[Tensor, 'batch *rest'], step: Int[Tensor, 'batch'], noise: Float[Tensor, 'batch *rest']
    ) -> Float[Tensor, 'batch *rest']:
        """A sample of x_t given x_0: sqrt(abar) x_0 + sqrt(1 - abar) noise."""
        alpha_bar = self.alpha_bar.to(clean)[step].reshape(-1, *[1] * (clean.dim() - 1))
        return alpha_bar.sqrt() * clean + (1 - alpha_bar).sqrt() * noise

    def noise_in(
        self, noisy: Float[Tensor, '*batch'], clean: Float[Tensor, '*batch'], step: int
    ) -> Float[Tensor, '*batch']:
        """The noise that explains x_t when x_0 is `clean` (eps from an x_0 prediction)."""
        alpha_bar = float(self.alpha_bar[step])
        return (noisy - alpha_bar**0.5 * clean) / (1 - alpha_bar) ** 0.5
