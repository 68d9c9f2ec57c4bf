"""`finetune push`."""

from __future__ import annotations

from typing import Annotated

import typer

from finetune.verbs.arguments import RunPlace, out

EXAMPLE = "finetune push runs/sentiment/last --repo me/my-model"


def verb(
    place: RunPlace,
    *,
    repo: Annotated[str, typer.Option("--repo", metavar="NAME", help="Repository, me/my-model; made if missing.")],
    private: Annotated[bool, typer.Option(
        "--private", help="Only you can see it; refused if the repository is already public.")] = False,
    include_examples: Annotated[bool, typer.Option(
        "--include-examples", help="Let the report show rows: mistakes, and examples from training.")] = False,
) -> None:
    """Upload model, ONNX, card, scores and report in one commit.

    Row texts, pictures and the ledger stay here. The token is read from HF_TOKEN or the Hub's own token file. Files
    that hold a secret are refused.
    """
    from rich.markup import escape

    from finetune.hub import push as hub
    from finetune.run import folder, push

    def say(text: str) -> None:
        out.print(f"  {text}", highlight=False, markup=False, soft_wrap=True)

    run = folder.open_run(place)
    to = hub.connect(repo, say=say)
    with push.packed(run, to.name, examples=include_examples) as files:
        out.print(f"[bold]what leaves[/bold]  {escape(str(run.path))}", highlight=False, soft_wrap=True)
        push.leaving(run, files, examples=include_examples, say=say)
        is_private = to.make(private=private)
        out.print(f"[bold]push[/bold]  to {to.name}, which is {'private' if is_private else 'public'}", highlight=False)
        pushed = push.send(run, files, to=to)
    say(pushed.address if pushed.changed else f"the repository holds all of it already: {pushed.address}")
