"""Memory as layer: a long-term memory first, and attention over a window of what it answers.

Source:  "Titans: Learning to Memorize at Test Time", Behrouz, Zhong, Mirrokni 2024 (arXiv 2501.00663), MAL.
Idea:    the usual hybrid, one after the other: the memory makes of each token what is known of it, attention compares
         the last few of those.
Cost:    O(T W) attention, and the memory's cost; its state, and 2 W D numbers.
Differs: the memory has read the persistent tokens before the first one, and attention, whose window leaves them
         behind, does not look at them; neither momentum nor convolution reaches over from them.

    y_t = M_t(x_t)     o_t = Attention(y_{t-W+1} .. y_t)     M reads [p; x], token by token

Shapes: B batch, T tokens, P persistent tokens, W tokens of the window, D width.
"""

from torch import Tensor

from remanence.layers.contract.cell import Form
from remanence.layers.parts.memory_and_window import Both, MemoryAndWindow


class TitansMAL(MemoryAndWindow):
    """The window looks at what the memory answers."""

    def scan(self, x: Tensor, state: Both, mask: Tensor | None, form: Form) -> tuple[Tensor, Both]:
        y, memory = self.memory(x, state.memory, mask=mask, form=form)
        one_by_one = form == "recurrent"
        o, seen = self.attention(y, state.seen, mask=mask, form="recurrent" if one_by_one else "parallel")
        return o, Both(memory, seen)
