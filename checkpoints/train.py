"""Trains a small GPT-2 on one text file and writes it in Hugging Face format.

    python checkpoints/train.py TEXT_FILE --output checkpoints/shakespeare

The folder gets config.json, tokenizer.json, model.safetensors and
training.json (sizes, steps and losses, for the README). The last tenth of the
text is held out; the weights with the lowest held-out loss are the ones kept.
The run is seeded: the same text, options and versions give the same model.
"""

import copy
import json
import math
import os
import time
from pathlib import Path

import click
import torch
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from safetensors.torch import save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import GPT2Config, GPT2LMHeadModel

END_OF_TEXT = "<|endoftext|>"
HELD_OUT_FRACTION = 0.1


def train_tokenizer(text: str, vocab_size: int) -> Tokenizer:
    """Learns a byte-level BPE, GPT-2's own kind of tokenizer."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=[END_OF_TEXT],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator([text], trainer)
    return tokenizer


def sample_batch(ids: torch.Tensor, batch: int, seq_len: int, generator: torch.Generator) -> torch.Tensor:
    """Cuts `batch` random windows out of the text: (batch, seq_len)."""
    starts = torch.randint(len(ids) - seq_len + 1, (batch,), generator=generator)
    return torch.stack([ids[start : start + seq_len] for start in starts.tolist()])


def next_token_loss(model: GPT2LMHeadModel, ids: torch.Tensor) -> torch.Tensor:
    """Mean cross-entropy in nats of each token of `ids` (batch, seq_len) given those before it."""
    logits = model(ids[:, :-1]).logits
    return torch.nn.functional.cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten())


@torch.no_grad()
def mean_loss(model: GPT2LMHeadModel, ids: torch.Tensor, seq_len: int, batch: int = 16) -> float:
    """Mean cross-entropy in nats a token over all of `ids`, in windows of `seq_len`."""
    model.eval()
    windows = [ids[start : start + seq_len] for start in range(0, len(ids) - seq_len + 1, seq_len)]
    losses = [
        next_token_loss(model, chunk).item() * len(chunk)
        for chunk in (torch.stack(windows[i : i + batch]) for i in range(0, len(windows), batch))
    ]
    model.train()
    return sum(losses) / len(windows)


def learning_rate(step: int, *, steps: int, peak: float, warmup: int) -> float:
    """Linear warm-up, then a cosine down to a twentieth of the peak."""
    if step < warmup:
        return peak * (step + 1) / warmup
    progress = (step - warmup) / max(1, steps - warmup)
    return peak * (0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * progress)))


def make_optimizer(model: GPT2LMHeadModel, peak: float) -> torch.optim.AdamW:
    """AdamW; only matrices decay, as in GPT-2's own family of recipes."""
    matrices = [p for p in model.parameters() if p.ndim >= 2]
    vectors = [p for p in model.parameters() if p.ndim < 2]
    groups = [{"params": matrices, "weight_decay": 0.1}, {"params": vectors, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=peak, betas=(0.9, 0.99))


def write_checkpoint(output: Path, model: GPT2LMHeadModel, tokenizer: Tokenizer, record: dict) -> None:
    """Writes the folder; each file replaces its old version in one step."""
    output.mkdir(parents=True, exist_ok=True)
    # The head is the transposed token embedding (tied), so it is not stored.
    state = {k: v.contiguous() for k, v in model.state_dict().items() if k != "lm_head.weight"}
    config = model.config.to_diff_dict() | {"architectures": ["GPT2LMHeadModel"]}
    writers = {
        "model.safetensors": lambda path: save_file(state, path, metadata={"format": "pt"}),
        "config.json": lambda path: path.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n"),
        "tokenizer.json": lambda path: tokenizer.save(str(path)),
        "training.json": lambda path: path.write_text(json.dumps(record, indent=2) + "\n"),
    }
    for name, write in writers.items():
        partial = output / f".{name}.partial"
        write(partial)
        os.replace(partial, output / name)


@click.command()
@click.argument("text_file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--output", required=True, type=click.Path(file_okay=False, path_type=Path))
@click.option("--vocab-size", default=1024, show_default=True)
@click.option("--n-layer", default=4, show_default=True)
@click.option("--n-head", default=6, show_default=True)
@click.option("--n-embd", default=192, show_default=True)
@click.option("--n-positions", default=256, show_default=True)
@click.option("--dropout", default=0.2, show_default=True)
@click.option("--batch", default=16, show_default=True, help="Windows of n_positions tokens a step.")
@click.option("--steps", default=2400, show_default=True)
@click.option("--peak-lr", default=2e-3, show_default=True)
@click.option("--eval-every", default=200, show_default=True)
@click.option("--patience", default=4, show_default=True, help="Stop after this many evaluations without a lower loss.")
@click.option("--seed", default=1, show_default=True)
def main(
    text_file: Path,
    output: Path,
    *,
    vocab_size: int,
    n_layer: int,
    n_head: int,
    n_embd: int,
    n_positions: int,
    dropout: float,
    batch: int,
    steps: int,
    peak_lr: float,
    eval_every: int,
    patience: int,
    seed: int,
) -> None:
    """Train a GPT-2 on TEXT_FILE."""
    try:
        text = text_file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise click.ClickException(f"{text_file} is not UTF-8 text: {error}") from None
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)

    # The tokenizer, too, sees only the training part: held out means held out.
    split = int(len(text) * (1 - HELD_OUT_FRACTION))
    tokenizer = train_tokenizer(text[:split], vocab_size)
    end_of_text = tokenizer.token_to_id(END_OF_TEXT)
    train_ids, held_out_ids = (
        torch.tensor([*tokenizer.encode(part).ids, end_of_text]) for part in (text[:split], text[split:])
    )
    if len(held_out_ids) < n_positions:
        needed = math.ceil(n_positions / HELD_OUT_FRACTION)
        raise click.ClickException(
            f"{text_file} is too short: it needs about {needed} tokens, so that the held-out tenth fills one window "
            f"of {n_positions}; it has {len(train_ids) + len(held_out_ids)}."
        )

    config = GPT2Config(
        vocab_size=tokenizer.get_vocab_size(), n_positions=n_positions, n_embd=n_embd, n_layer=n_layer, n_head=n_head,
        bos_token_id=end_of_text, eos_token_id=end_of_text,
        embd_pdrop=dropout, attn_pdrop=dropout, resid_pdrop=dropout,
    )  # fmt: skip
    model = GPT2LMHeadModel(config)
    parameters = sum(p.numel() for p in model.parameters())
    click.echo(
        f"{parameters:,} parameters, {len(train_ids):,} training and {len(held_out_ids):,} held-out tokens, "
        f"vocabulary {config.vocab_size}"
    )

    optimizer = make_optimizer(model, peak_lr)
    best_loss, best_step, best_state = math.inf, 0, copy.deepcopy(model.state_dict())
    history: list[dict] = []
    started = time.monotonic()
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns) as progress:
        task = progress.add_task("training", total=steps)
        running = 0.0
        for step in range(steps):
            for group in optimizer.param_groups:
                group["lr"] = learning_rate(step, steps=steps, peak=peak_lr, warmup=min(100, steps // 10 + 1))
            ids = sample_batch(train_ids, batch, n_positions, generator)
            loss = next_token_loss(model, ids)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            running += loss.item()
            progress.advance(task)

            last = step + 1 == steps
            if (step + 1) % eval_every and not last:
                continue
            held_out = mean_loss(model, held_out_ids, n_positions)
            count = (step % eval_every) + 1
            history.append(
                {"step": step + 1, "train_loss": round(running / count, 4), "held_out_loss": round(held_out, 4)}
            )
            running = 0.0
            progress.console.print(
                "step {step}: train loss {train_loss}, held-out loss {held_out_loss}".format(**history[-1])
            )
            if held_out < best_loss:
                best_loss, best_step, best_state = held_out, step + 1, copy.deepcopy(model.state_dict())
            if last or step + 1 - best_step >= patience * eval_every:
                break

    model.load_state_dict(best_state)
    held_out_characters = len(tokenizer.decode(held_out_ids.tolist()))
    record = {
        "text_file": text_file.name,
        "characters": len(text),
        "seed": seed,
        "parameters": parameters,
        "train_tokens": len(train_ids),
        "held_out_tokens": len(held_out_ids),
        "batch": batch,
        "steps_run": history[-1]["step"],
        "best_step": best_step,
        "minutes": round((time.monotonic() - started) / 60, 1),
        # Without dropout, over windows like those of the held-out loss.
        "train_loss": round(mean_loss(model, train_ids[: len(held_out_ids)], n_positions), 4),
        "held_out_loss": round(best_loss, 4),
        "held_out_nats_per_character": round(best_loss * len(held_out_ids) / held_out_characters, 4),
        "torch": torch.__version__.split("+")[0],
        "history": history,
    }
    write_checkpoint(output, model, tokenizer, record)
    click.echo(f"wrote {output} (held-out loss {best_loss:.4f} nats a token, from step {best_step})")


if __name__ == "__main__":
    main()
