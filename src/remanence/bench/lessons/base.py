"""The contract of a lesson: examples without end, each with what is to be said where.

A lesson is a dataclass whose fields are its settings, all with defaults. It knows no model. Examples come from a
generator that is handed in, so that the same seed gives the same examples.

Shapes: N examples, T tokens.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor

UNASKED = -100  # the label of a position at which nothing is asked


@dataclass(frozen=True, slots=True)
class Examples:
    """After reading ids[:, : t + 1] the model is to say labels[:, t], where that is not UNASKED."""

    ids: Tensor  # [N, T]
    labels: Tensor  # [N, T]

    def to(self, device: torch.device) -> "Examples":
        return Examples(self.ids.to(device), self.labels.to(device))


@dataclass
class Base(ABC):
    @property
    @abstractmethod
    def vocab_size(self) -> int:
        """Ids are from 0 to one less."""

    @abstractmethod
    def examples(self, n: int, generator: torch.Generator) -> Examples:
        """n of them; the generator alone decides which."""

    def exam(self, n: int, generator: torch.Generator) -> Examples:
        """n that were never taught. Where examples are without end, any others are."""
        return self.examples(n, generator)

    @property
    def chance(self) -> float:
        """The accuracy of who has learned only what kind of answer is asked for."""
        return 1 / self.vocab_size
