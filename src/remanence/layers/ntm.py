"""A tape with a head that writes and a head that reads, each going to what is like its key, or to the next place.

Source:  "Neural Turing Machines", Graves, Wayne, Danihelka 2014 (arXiv 1410.5401); as a layer, "Memory-augmented
         conformer for improved end-to-end long-form ASR", Carvalho, Abad 2023 (arXiv 2309.13029).
Idea:    a place is found by what stands there, or by where the head stood before and a step from it. The step needs
         nothing to have been written yet, so that a sequence can be laid down and gone through again in its order.
Cost:    O(T N W) time, token by token: there is no other form. N W + 2 N + W numbers of state a sequence.
Differs: a feed-forward controller, one head of each kind; the layer alone, without the conformer before and after it.
         What the tape holds at first is learned; heads stand at place 0; keys and what is added are between -1 and 1.

    c_t = tanh(W [x_t; r_{t-1}]), from which each head's key k, β > 0, g in (0, 1), s (a softmax), γ > 1; and e, a
    w^c = softmax_i(β cos(k, M_i))                   by content
    w^g = g w^c + (1 - g) w_{t-1}                    or where it was
    w̃_i = Σ_j w^g_{i-j} s_j, round the tape          a step from there
    w_t = w̃^γ / Σ_i w̃_i^γ                            sharper
    M_t = (1 - w_t eᵀ) ⊙ M_{t-1} + w_t aᵀ     r_t = M_tᵀ w'_t     y_t = W_y [c_t; r_t]

Shapes: B batch, T tokens, D width of the layer, N places, W width of a place.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from remanence.errors import BadConfig
from remanence.layers.contract.cell import Cell, Form
from remanence.layers.contract.state import State

STEPS = (-1, 0, 1)  # the paper's: back, stay, on
EPSILON = 1e-8


@dataclass(frozen=True)
class Tape(State):
    memory: Tensor  # [B, N, W]
    r: Tensor  # [B, W], what was read last
    reads: Tensor  # [B, N], where
    writes: Tensor  # [B, N], where it was written last


class NTM(Cell[Tape]):
    forms: ClassVar[tuple[Form, ...]] = ("recurrent",)

    def __init__(self, width: int, places: int = 32, place_width: int = 16) -> None:
        super().__init__(width)
        if places < 1 or place_width < 1:
            raise BadConfig(f"places and place_width must be at least 1, got {places} and {place_width}")
        self.memory = nn.Parameter(torch.randn(places, place_width) * place_width**-0.5)
        self.controller = nn.Linear(width + place_width, width)
        self.reader = nn.Linear(width, place_width + 3 + len(STEPS))
        self.writer = nn.Linear(width, place_width + 3 + len(STEPS))
        self.erase, self.add = nn.Linear(width, place_width), nn.Linear(width, place_width)
        self.out = nn.Linear(width + place_width, width, bias=False)

    def init_state(self, batch: int) -> Tape:
        memory = self.memory.expand(batch, -1, -1)
        first = torch.zeros_like(memory[..., 0])
        first[:, 0] = 1
        return Tape(memory, torch.zeros_like(memory[:, 0]), first, first)

    def scan(self, x: Tensor, state: Tape, mask: Tensor | None, form: Form) -> tuple[Tensor, Tape]:
        out = []
        for t in range(x.shape[1]):
            c = self.controller(torch.cat([x[:, t], state.r], -1)).tanh()
            writes = self.move(self.writer(c), state.memory, state.writes)
            memory = write(state.memory, writes, self.erase(c).sigmoid(), self.add(c).tanh())
            reads = self.move(self.reader(c), memory, state.reads)
            after = Tape(memory, read(memory, reads), reads, writes)
            state = after if mask is None else after.where(mask[:, t], state)
            out.append(torch.cat([c, after.r], -1))
        return self.out(torch.stack(out, 1)), state

    def move(self, says: Tensor, memory: Tensor, before: Tensor) -> Tensor:
        """Where a head that stood at `before` [B, N] goes, by what the controller says to it."""
        key, beta, gate, gamma, steps = says.split((self.memory.shape[1], 1, 1, 1, len(STEPS)), -1)
        return address(
            memory, key.tanh(), F.softplus(beta), gate.sigmoid(), steps.softmax(-1), 1 + F.softplus(gamma), before
        )


def address(
    memory: Tensor, key: Tensor, beta: Tensor, gate: Tensor, steps: Tensor, gamma: Tensor, before: Tensor
) -> Tensor:
    """memory [B, N, W], key [B, W], β, g and γ [B, 1], steps [B, 3], before [B, N] -> where the head stands [B, N]."""
    like = F.cosine_similarity(memory, key[:, None], dim=-1, eps=EPSILON)
    w = gate * (beta * like).softmax(-1) + (1 - gate) * before
    w = torch.stack([w.roll(step, -1) for step in STEPS], -1) @ steps[..., None]  # [B, N, 1]
    w = (w / w.amax(1, keepdim=True))[..., 0] ** gamma  # the greatest is 1, so that a high power leaves something
    return w / w.sum(-1, keepdim=True)


def write(memory: Tensor, w: Tensor, erase: Tensor, add: Tensor) -> Tensor:
    """memory [B, N, W], w [B, N], erase and add [B, W] -> the memory after it."""
    return memory * (1 - w[..., None] * erase[:, None]) + w[..., None] * add[:, None]


def read(memory: Tensor, w: Tensor) -> Tensor:
    """memory [B, N, W], w [B, N] -> [B, W]."""
    return (w[:, None] @ memory)[:, 0]
