"""Memory as gate: attention sees a window, a long-term memory everything before it, and one opens and shuts the other.

Source:  "Titans: Learning to Memorize at Test Time", Behrouz, Zhong, Mirrokni 2024 (arXiv 2501.00663), MAG.
Idea:    the two read the same tokens side by side: one precisely and not far, the other far and not precisely.
Cost:    O(T (P + W)) attention, and the memory's cost; its state, and 2 W D numbers.
Differs: the memory has read the persistent tokens before the first one; neither momentum nor convolution reaches over
         from them.

    y_t = Attention([p; x_{t-W+1} .. x_t])     o_t = norm y_t ⊙ σ(norm M_t(x_t))     M reads [p; x], token by token

Shapes: B batch, H heads, T tokens, P persistent tokens, W tokens of the window, N seen, D width, K head.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from remanence.layers.contract.cell import Form
from remanence.layers.parts.memory_and_window import Both, MemoryAndWindow
from remanence.layers.parts.seen import Seen, in_pieces


class TitansMAG(MemoryAndWindow):
    """The window always begins with the persistent tokens, which are parameters."""

    def more(self) -> None:
        self.norm, self.gate_norm = nn.RMSNorm(self.width), nn.RMSNorm(self.width)

    def scan(self, x: Tensor, state: Both, mask: Tensor | None, form: Form) -> tuple[Tensor, Both]:
        gate, memory = self.memory(x, state.memory, mask=mask, form=form)
        close, seen = in_pieces(self._look, x, state.seen, mask, form)
        return self.norm(close) * self.gate_norm(gate).sigmoid(), Both(memory, seen)

    def _look(self, x: Tensor, seen: Seen, real: Tensor) -> tuple[Tensor, Seen]:
        """Attention to the persistent tokens and the window."""
        q, k, v, convs = self.attention.qkv(x, seen.convs)
        k, v, real = torch.cat([seen.k, k], 2), torch.cat([seen.v, v], 2), torch.cat([seen.real, real], 1)
        t, n, p = x.shape[1], k.shape[2], len(self.persistent)
        behind = torch.arange(n - t, n, device=x.device)[:, None] - torch.arange(n, device=x.device)  # [T, N]
        looks = (behind >= 0) & (behind < self.window) & real[:, None, None]
        first_k, first_v = (
            project(self.persistent).unflatten(1, (q.shape[1], -1)).transpose(0, 1).expand(len(x), -1, -1, -1)
            for project in list(self.attention.qkv.project)[1:]
        )
        y = F.scaled_dot_product_attention(
            q, torch.cat([first_k, k], 2), torch.cat([first_v, v], 2), attn_mask=F.pad(looks, (p, 0), value=True)
        )
        keep = slice(max(0, n - self.window + 1), None)
        return self.attention.out(y), Seen(k[:, :, keep], v[:, :, keep], real[:, keep], convs)
