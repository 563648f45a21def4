"""Strings to be turned round, stacks to be worked, sums to be kept: what a memory must do beyond holding.

Source:  "Neural Networks and the Chomsky Hierarchy", Delétang et al. 2022 (arXiv 2207.02098): reverse string, stack
         manipulation, modular sums, parity.
Idea:    tasks by the machine that they need: parity a bit of state, a reversed string a stack; learned on short
         strings, they are asked on longer ones.
Data:    reverse  s [GO]                -> s backwards
         stack    bits, then PUSH0 PUSH1 POP, [GO] -> the stack from the top, then END; a POP of nothing does nothing
         parity   bits [GO]             -> whether the ones are odd
         modular  digits 0-4, [GO]      -> their sum modulo 5
Differs: one length for all examples of a batch, `length`, drawn up to it where `shorter`.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from remanence.bench.lessons.base import UNASKED, Base, Examples
from remanence.errors import BadConfig

PAD, GO, END, POP, PUSH, DIGIT = 0, 1, 2, 3, 4, 6  # PUSH + bit, DIGIT + digit
MODULUS = 5


@dataclass
class Chomsky(Base):
    kind: Literal["reverse", "stack", "parity", "modular"] = "reverse"
    length: int = 40  # tokens of the string, the paper's longest in training
    shorter: bool = True  # lengths from 1 to `length`, else all that long

    def __post_init__(self) -> None:
        if self.kind not in ("reverse", "stack", "parity", "modular"):
            raise BadConfig(f"kind must be reverse, stack, parity or modular, got {self.kind!r}")
        if self.length < 1:
            raise BadConfig(f"length must be at least 1, got {self.length}")

    @property
    def vocab_size(self) -> int:
        return DIGIT + MODULUS

    @property
    def chance(self) -> float:
        return {"modular": 1 / MODULUS, "stack": 1 / 3}.get(self.kind, 0.5)

    def examples(self, n: int, generator: torch.Generator) -> Examples:
        length = int(torch.randint(1, self.length + 1, (1,), generator=generator)) if self.shorter else self.length
        if self.kind == "stack":
            return self._stack(n, length, generator)
        kinds = MODULUS if self.kind == "modular" else 2
        digits = torch.randint(kinds, (n, length), generator=generator)
        if self.kind == "reverse":
            return self._asked(digits + DIGIT, digits.flip(1) + DIGIT)
        return self._asked(digits + DIGIT, digits.sum(1, keepdim=True) % kinds + DIGIT)

    def _stack(self, n: int, length: int, generator: torch.Generator) -> Examples:
        """Half of the string is the stack at first, from the bottom, the other half what is done to it."""
        held = (length + 1) // 2
        first = torch.randint(2, (n, held), generator=generator)
        done = torch.randint(3, (n, length - held), generator=generator)  # pop, push 0, push 1
        answers = torch.full((n, length + 1), UNASKED)
        for i, (stack, acts) in enumerate(zip(first.tolist(), done.tolist(), strict=True)):
            for act in acts:
                if act:
                    stack.append(act - 1)
                elif stack:
                    stack.pop()
            said = [DIGIT + bit for bit in reversed(stack)] + [END]
            answers[i, : len(said)] = torch.tensor(said)
        acts = torch.where(done == 0, POP, PUSH + done - 1)
        return self._asked(torch.cat([first + DIGIT, acts], 1), answers)

    def _asked(self, told: Tensor, answers: Tensor) -> Examples:
        """What is told, GO, and room to answer: the first answer at GO, each next one at a blank."""
        n, m = answers.shape
        ids = torch.cat([told, torch.full((n, 1), GO), torch.full((n, m - 1), PAD)], 1)
        return Examples(ids, torch.cat([torch.full((n, told.shape[1]), UNASKED), answers], 1))
