"""Recall and false alarms of the masker on a made corpus, by kind.

    python -m dev.bench.masking --size 500

Recall: in how many utterances nothing of the value is left. False alarms: placeholders in utterances that hold nothing.
Prints a table and, as the last line, the same figures as JSON.
"""

import argparse
import re
import sys
import time
from collections.abc import Sequence

from dev.bench.masking.corpus import Utterance, make_corpus
from dev.bench.results import Metrics, Results
from services.interviews.masking.masker import PatternMasker

_PLACEHOLDER = re.compile(r"\[[가-힣]+\d+\]")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="masking", description="Recall and false alarms of the masker.")
    parser.add_argument("--size", type=int, default=500, help="utterances of each kind")
    parser.add_argument("--seed", type=int, default=11)
    options = parser.parse_args(arguments)
    corpus = make_corpus(options.seed, options.size)
    began = time.process_time()
    masked = [PatternMasker().mask(utterance.text).text for utterance in corpus]
    spent = time.process_time() - began
    results = Results("masking", vars(options))
    results.add_table("recall", _judge_by_kind(corpus, masked))
    results.add("false_alarms", judge_plain(corpus, masked))
    letters = sum(len(utterance.text) for utterance in corpus)
    results.add("cost", {"microseconds_per_1000_characters": spent / letters * 1e9})
    results.finish()
    return 0


def _judge_by_kind(corpus: Sequence[Utterance], masked: Sequence[str]) -> dict[str, Metrics]:
    kinds = dict.fromkeys(utterance.kind for utterance in corpus if utterance.secret)
    return {kind: judge_kind(kind, corpus, masked) for kind in kinds}


def judge_kind(kind: str, corpus: Sequence[Utterance], masked: Sequence[str]) -> Metrics:
    judged = [secret_is_gone(one, text) for one, text in zip(corpus, masked, strict=True) if one.kind == kind]
    return {"utterances": len(judged), "recall_percent": 100 * sum(judged) / len(judged)}


def secret_is_gone(utterance: Utterance, masked: str) -> bool:
    """Also its end: a number that is taken out in part is not taken out."""
    secret = utterance.secret
    return secret not in masked and (len(secret) < 6 or secret[-(len(secret) // 3) :] not in masked)


def judge_plain(corpus: Sequence[Utterance], masked: Sequence[str]) -> Metrics:
    plain = [text for one, text in zip(corpus, masked, strict=True) if not one.secret]
    alarms = sum(len(_PLACEHOLDER.findall(text)) for text in plain)
    return {"plain_utterances": len(plain), "false_alarms_per_1000": 1000 * alarms / len(plain)}


if __name__ == "__main__":
    sys.exit(main())
