#!/usr/bin/env python3
"""Makes the sentences and word vectors that are embedded in the runner.

    python3 scripts/embed_sentences.py SNIPPETS GLOVE

SNIPPETS is VADER's movieReviewSnippets_GroundTruth.txt, GLOVE is glove.6B.50d.txt or a part of it, each plain or as .gz.
Two files are written to runner/data:

sentences.gz   "label sentence" on each line, 5,000 to train on and then 1,000 that are held out. The label is the sign
               of the mean rating, where that is at least 0.5 away from 0; the sentence is words as GloVe has them.
vectors.gz     a safetensors file: the words of these sentences that GloVe has, in the order of their first appearance
               ("words", U8, a line feed between them), and their vectors in half precision ("vectors", F16).

Both parts are half positive and half negative, and so is each pair of lines, so that the first N of either are balanced
too. What is chosen, and in which order, comes from a fixed seed.

Two sentences are near-duplicates if their sets of words have at least 0.6 of their union in common (punctuation does not
count). Only a sentence without a near-duplicate among all snippets is held out, so none has one on the other side.

The same zlib gives the same bytes; the sums printed at the end are of the plain content, which is always the same.
"""

import collections
import gzip
import hashlib
import json
import pathlib
import random
import struct
import sys

TRAIN, HELD_OUT = 5000, 1000
LEAST_RATING = 0.5
LEAST_WORDS = 3
NEAR = 0.6
SEED = 2014
DIMENSION = 50
SNIPPETS_SHA256 = "c8293b0d942e90e223ea2c0955d969040d1a1be514a978b9af0698940bd13350"
CLITICS = ("n't", "'s", "'re", "'ve", "'ll", "'d", "'m")
QUOTES = str.maketrans({"\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"'})


def content(path):
    """The plain content of a file."""
    data = pathlib.Path(path).read_bytes()
    return gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data


def tokenize(text):
    """The words of a text, as runner/src/data/text/tokenize.rs has them."""
    text = text.lower().translate(QUOTES).replace("''", '"').replace("``", '"')
    words, at = [], 0
    while at < len(text):
        end = word_end(text, at)
        word = text[at:end]
        at = end
        clitic = next((c for c in CLITICS if word.endswith(c) and len(word) > len(c)), "")
        word = {"..": "...", "--": "--"}.get(word[:2], word)
        words += [part for part in (word[: len(word) - len(clitic)], clitic) if part.strip()]
    return words


def word_end(text, at):
    """Where the word ends that begins at `at`; white space is a word too."""
    def char(i):
        return text[i] if i < len(text) else "\0"

    end = at
    # Initials: u.s., j.r.r.
    while char(end).isalpha() and char(end + 1) == ".":
        end += 2
    if end - at >= 4 and not char(end).isalnum():
        return end
    # What was cut off a word before.
    for clitic in CLITICS:
        if text.startswith(clitic, at) and clitic[0] == "'" and not char(at + len(clitic)).isalnum():
            return at + len(clitic)
    end = at + 1
    if not char(at).isalnum():
        # A dash and an ellipsis are one word each.
        while char(at) in "-." and char(end) == char(at):
            end += 1
        return end
    while True:
        if char(end).isalnum():
            end += 1
        elif char(end) in "'-" and char(end + 1).isalnum():
            end += 2
        elif char(end) in ".," and char(end - 1).isdigit() and char(end + 1).isdigit():
            end += 2
        else:
            return end


def snippets(path):
    """Sentences and whether they are positive; each text once."""
    data = content(path)
    if hashlib.sha256(data).hexdigest() != SNIPPETS_SHA256:
        sys.exit(f"error: {path} is not the published file: its sha256 differs")
    found = {}
    for line in data.decode().split("\r\n"):
        _, rating, text = line.split("\t")
        words = tokenize(text)
        if abs(float(rating)) >= LEAST_RATING and len(words) >= LEAST_WORDS:
            found.setdefault(" ".join(words), float(rating) > 0)
    return list(found.items())


def with_near_duplicates(sets):
    """The numbers of the sets that have a near-duplicate."""
    frequency = collections.Counter(word for words in sets for word in words)
    holders, found = collections.defaultdict(list), set()
    for number, words in enumerate(sets):
        # Two sets that are near have one of these words in common: the rarest ones, one more than may be missing.
        rarest = sorted(words, key=lambda word: (frequency[word], word))
        rarest = rarest[: len(words) - int(NEAR * len(words) - 1e-9)]
        for other in {other for word in rarest for other in holders[word]}:
            common = len(words & sets[other])
            if common >= NEAR * (len(words) + len(sets[other]) - common):
                found |= {number, other}
        for word in rarest:
            holders[word].append(number)
    return found


def choose(sentences):
    """The sentences of each part, positive and negative ones in turn, in a random order within each pair."""
    sets = [{word for word in text.split() if any(map(str.isalnum, word))} for text, _ in sentences]
    near = with_near_duplicates(sets)
    order = list(range(len(sentences)))
    generator = random.Random(SEED)
    shuffle(order, generator)
    held_out, train = [], []
    for positive in (False, True):
        mine = [number for number in order if sentences[number][1] == positive]
        alone = [number for number in mine if number not in near][: HELD_OUT // 2]
        held_out.append(alone)
        train.append([number for number in mine if number not in set(alone)][: TRAIN // 2])
    chosen = []
    for negatives, positives in (train, held_out):
        for pair in zip(negatives, positives, strict=True):
            pair = list(pair)
            shuffle(pair, generator)
            chosen += pair
    print(f"{len(sentences)} sentences, {len(near)} with a near-duplicate")
    return [sentences[number] for number in chosen]


def shuffle(items, generator):
    """Fisher and Yates's shuffle, from nothing but random(), which is the same in every version of Python."""
    for i in range(len(items) - 1, 0, -1):
        j = int(generator.random() * (i + 1))
        items[i], items[j] = items[j], items[i]


def vectors(path, sentences):
    """The safetensors file of the words' vectors."""
    wanted = dict.fromkeys(word for text, _ in sentences for word in text.split())
    found = {}
    for line in content(path).decode().split("\n"):
        word, *values = line.split(" ")
        if word in wanted and word not in found:
            found[word] = struct.pack(f"<{DIMENSION}e", *map(float, values))
    words = [word for word in wanted if word in found]
    text = "\n".join(words).encode()
    rows = b"".join(found[word] for word in words)
    header = {
        "vectors": {"dtype": "F16", "shape": [len(words), DIMENSION], "data_offsets": [0, len(rows)]},
        "words": {"dtype": "U8", "shape": [len(text)], "data_offsets": [len(rows), len(rows) + len(text)]},
    }
    header = json.dumps(header, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)
    print(f"{len(words)} of {len(wanted)} words have a vector")
    return struct.pack("<Q", len(header)) + header + rows + text


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    sentences = choose(snippets(sys.argv[1]))
    lines = "".join(f"{int(positive)} {text}\n" for text, positive in sentences)
    files = {"sentences.gz": lines.encode(), "vectors.gz": vectors(sys.argv[2], sentences)}
    target = pathlib.Path(__file__).resolve().parent.parent / "runner" / "data"
    for name, plain in files.items():
        packed = gzip.compress(plain, compresslevel=9, mtime=0)
        (target / name).write_bytes(packed)
        sum = hashlib.sha256(plain).hexdigest()
        print(f"{name}: {len(packed)} bytes, plain {len(plain)} bytes, sha256 {sum}")


if __name__ == "__main__":
    main()
