"""Small classifiers whose every weight is in a linear layer, so that one rule for gradients holds for all of them.

Imported late: it needs torch at its top.
"""

from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn


class Perceptron(nn.Module):
    """Features (n, d) through hidden layers with ReLU to logits (n, c)."""

    def __init__(self, inputs: int, hidden: Sequence[int], classes: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for width in hidden:
            layers += [nn.Linear(inputs, width), nn.ReLU()]
            inputs = width
        self.body = nn.Sequential(*layers)
        self.head = nn.Linear(inputs, classes)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (n, c) and what the output layer was given (n, d)."""
        hidden = self.body(x)
        return self.head(hidden), hidden


class Convolution(nn.Module):
    """A 3 x 3 convolution as what it is: one linear layer at every pixel's neighbourhood."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.patches = nn.Unfold(3, padding=1)
        self.weights = nn.Linear(9 * channels, width)

    def forward(self, x: Tensor) -> Tensor:
        """(n, channels, h, w) to (n, width, h, w)."""
        made = self.weights(self.patches(x).transpose(1, 2))
        return made.transpose(1, 2).unflatten(2, (x.shape[2], x.shape[3]))


class ConvNet(nn.Module):
    """Images (n, channels, h, w): two convolutions, each followed by ReLU and a halving, then one hidden layer."""

    def __init__(self, shape: Sequence[int], width: int, hidden: int, classes: int) -> None:
        super().__init__()
        channels, *size = shape
        blocks: list[Any] = []
        for at in (width, 2 * width):
            blocks += [Convolution(channels, at), nn.ReLU()]
            if min(size) >= 4:
                blocks.append(nn.MaxPool2d(2))
                size = [side // 2 for side in size]
            channels = at
        flat = channels * size[0] * size[1]
        self.body = nn.Sequential(*blocks, nn.Flatten(), nn.Linear(flat, hidden), nn.ReLU())
        self.head = nn.Linear(hidden, classes)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (n, c) and what the output layer was given (n, d)."""
        hidden = self.body(x)
        return self.head(hidden), hidden
