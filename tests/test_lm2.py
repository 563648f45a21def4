"""Gates of each token's own decide what is read, let in and let go."""

import pytest

torch = pytest.importorskip("torch")

from remanence.layers.contract.segment import SegmentRunner  # noqa: E402
from remanence.layers.lm.decoder import Decoder  # noqa: E402
from remanence.layers.lm2 import LM2, Gated  # noqa: E402

torch.set_num_threads(1)
SEGMENT, FAR = 5, 50.0


@torch.no_grad()
def test_it_is_the_formula_slot_by_slot_and_token_by_token() -> None:
    """Also shows that reads come before a layer and writes are of what came to it."""
    torch.manual_seed(0)
    model, memory = Decoder(11, 4, 2).double(), LM2(4, 2, slots=3).double()
    for p in [*model.parameters(), *memory.parameters()]:
        if p.dim() > 1:
            torch.nn.init.normal_(p, std=0.7)
    ids, out, bank = torch.randint(11, (1, 3 * SEGMENT)), [], list(memory.first)
    for piece in ids.split(SEGMENT, 1):
        x = model.embed(piece)
        for i, layer in enumerate(memory.banks):
            m, e = bank[i], layer.norm(x[0])
            read, new = [], [[], [], []]
            for token in e:
                weights = torch.stack([(layer.q.weight @ token) @ (layer.k.weight @ slot) / 2 for slot in m]).softmax(0)
                found = sum(w * (layer.v.weight @ slot) for w, slot in zip(weights, m, strict=True))
                read.append((layer.gate_out.weight @ found).sigmoid() * found)
                goes_in = (layer.gate_in.weight @ token).sigmoid() * found.tanh()
                stays = (layer.gate_forget.weight @ found).sigmoid()
                for slot, w in enumerate(weights):
                    new[slot].append((w, goes_in + stays * m[slot]))
            bank[i] = torch.stack([sum(w * n for w, n in slot) / sum(w for w, _ in slot) for slot in new])
            x = model.layer(i, x + torch.stack(read), None)
        out.append(model.head(x))
    logits, state = SegmentRunner(model, memory, SEGMENT)(ids)
    assert torch.allclose(logits, torch.cat(out, 1), atol=1e-10)
    assert all(torch.allclose(got[0], want, atol=1e-10) for got, want in zip(state.layers, bank, strict=True))


@torch.no_grad()
def test_a_slot_nothing_is_let_into_stays_as_it_is() -> None:
    """Input gate shut, forget gate open. Memory tokens (RMT, the nearest simpler memory) are all rewritten."""
    torch.manual_seed(0)
    layer, x, m = Gated(4), torch.randn(1, 6, 4), torch.rand(1, 3, 4) + 0.5
    layer.v.weight.copy_(torch.eye(4))
    layer.gate_forget.weight.copy_(FAR * torch.eye(4))  # what is found is positive
    layer.norm.bias.fill_(1)
    layer.norm.weight.fill_(0)  # tokens are 1 everywhere to the gate
    layer.gate_in.weight.copy_(-FAR * torch.eye(4))
    assert torch.allclose(layer.write(x, m), m, atol=1e-6)
    layer.gate_forget.weight.neg_()
    assert torch.allclose(layer.write(x, m), torch.zeros_like(m), atol=1e-6)
