"""Bad input: tables and logs of other people's runs, and mapping files."""

import json

from .mistakes import Case, said, write

TO = "--to runs.parquet"
MIXED = "run,n,d,loss,w.a,w.b\nr0,1M,1M,3.1,1,0\nr1,1M,1M,3.0,.5,.4\n"


def mapped(name: str, mapping: dict, *words: str, table: str = MIXED) -> Case:
    """An import of ``runs.csv`` by a mapping file."""

    def prepare(world: object) -> None:
        write("runs.csv", table)(world)
        write("m.yaml", json.dumps(mapping))(world)

    arguments = ("runs", "import", "runs.csv", "--mapping", "m.yaml", *TO.split())
    return Case(f"an import: {name}", words, arguments, prepare)


RUNS = [
    said(f"runs import none.csv {TO}", "none.csv: no such file"),
    said(f"runs import none/*.csv {TO}", "none/*.csv: no such file"),
    said(f"runs import runs.xlsx {TO}", ".xlsx is not a kind of table", prepare=write("runs.xlsx", "x")),
    said(f"runs import empty {TO}", "holds no results.json", prepare=lambda w: (w.folder / "empty").mkdir()),
    said("runs import runs.csv --to web.jsonl", "web.jsonl: --to: is there already", prepare=write("runs.csv", MIXED)),
    said(f"runs import cut.csv.gz {TO}", "cut.csv.gz: is damaged", prepare=write("cut.csv.gz", b"\x1f\x8bxx")),
    said(f"runs import a.csv {TO}", "'loss' and 'val_loss' may both be loss; say which one",
         prepare=write("a.csv", "n,d,loss,val_loss\n1,1,3,4\n")),
    said(f"runs import b.csv {TO}", "the run 'r' stands there twice with loss 3 and 4",
         prepare=write("b.csv", "run,n,d,loss\nr,1M,1M,3\nr,1M,1M,4\n")),
    said(f"runs import c.jsonl {TO}", "c.jsonl: line 2 is not JSON", prepare=write("c.jsonl", '{"n": 1}\n{"n"')),
    said(f"runs import d.csv --mapping none.yaml {TO}", "none.yaml: no such file", prepare=write("d.csv", MIXED)),
    mapped("no such column", {"columns": {"N": "size"}}, "no column 'size' for N; the table has: run, n, d"),
    mapped("no such column in an expression", {"columns": {"D": "d * batch"}}, "no column 'batch' for D in d * batch"),
    mapped("an expression that is none", {"columns": {"loss": "log(`loss`"}}, "columns: "),
    mapped("a call", {"where": "open('x') == 1"}, "'open('x')' is not calculated here"),
    mapped("an unknown key", {"column": {}}, "m.yaml: column: unknown key"),
    mapped("a mapping of nothing", {}, "m.yaml: names no column; write columns:"),
    mapped("no rows left", {"where": "n > 2M"}, "where: none of 2 rows is left by where: n > 2M"),
    mapped("shares that do not add up", {"shares": "w.*"}, "shares: add up to 0.9 and not to 1 in row 1"),
    mapped("no such source", {"shares": "w.*", "normalise_shares": True, "natural": "c"}, "no source is like 'c'"),
    mapped("no such pattern", {"metrics": "task/*"}, "metrics: no column is like 'task/*'"),
    mapped("an unknown format", {"format": "excel"}, "'excel' is no format; there are csv"),
    mapped("an unknown unit", {"units": {"loss": "joule"}}, "units.loss: Input should be 'nats'"),
    mapped("a comma that may be a point", {"columns": {"loss": "loss"}}, "'3,142' may be 3.142 or 3142",
           table="n;d;loss\n1e6;1e6;3,142\n"),
]  # fmt: skip

SHARES = write("s.csv", "n,d,loss,share\n1M,1M,3.1,0\n1M,1M,3.0,.5\n")
RUNS += [
    said("fit s.csv --best loss", "--best: 'loss' is not what is sought; write --best share", prepare=SHARES),
    said("fit s.csv --best share", "nowhere were three shares measured", prepare=SHARES),
    said("fit s.csv --best share --metric task.x", "no metric 'task.x'; there are loss", prepare=SHARES),
    said("fit s.csv --best share --predict N=1B", "--predict: needs N and D", prepare=SHARES),
    said("fit s.csv --source qa", "--source: is for --best share", prepare=SHARES),
]
RUNS += [
    said("advise --runs s.csv", "--params: is missing", prepare=SHARES),
    said(
        "advise --runs s.csv --study x --params 1B --tokens 1B", "--runs: is for asking without a study", prepare=SHARES
    ),
    said("advise --runs none.csv --params 1B --tokens 1B", "none.csv: no such file"),
    said("report --runs s.csv", "--to: is missing", prepare=SHARES),
    said("report", "a study's results or --runs is needed"),
    said("report --runs s.csv --params 1B --to page", "--tokens: is missing; ask with both", prepare=SHARES),
    said("report out --params 1B", "--params: is for --runs"),
    said(
        "report --runs n.csv --to page", "has no share of synthetic text", prepare=write("n.csv", "n,d,loss\n1M,1M,3\n")
    ),
]

GRID = write("g.csv", "n,d,loss\n" + "".join(f"{n}M,{d}M,{3 + 1 / n + 1 / d}\n" for n in (1, 2, 4) for d in (1, 2, 4)))
RUNS += [
    said("fit g.csv --objective l1", "--objective: no objective 'l1'; choose one of huber-log", prepare=GRID),
    said("fit g.csv --objective squares-loss --delta .1", "--delta: is not for squares-loss", prepare=GRID),
    said("fit z.csv --objective squares-log", "z.csv: loss: is not a positive number in row 0",
         prepare=write("z.csv", "n,d,loss\n1M,1M,0\n2M,1M,3\n")),
    said("fit g.csv --compute -1e20", "is not a positive number of FLOPs", prepare=GRID),
]  # fmt: skip
RUNS += [
    said('fit s.csv --metric "loss + task.x"', "no metric 'loss + task.x'; there are loss", prepare=SHARES),
    said('fit d.csv --metric "loss*" --plots out', "--plots: takes one metric",
         prepare=write("d.csv", "n,d,loss,loss.a\n1M,1M,3.1,3\n2M,1M,3.0,2.9\n")),
]  # fmt: skip
RUNS += [
    said("fit g.csv --to fit.csv", "--to fit.csv: is for predicted rows, and no rows are given", prepare=GRID),
    said("fit f.json", "f.json: is damaged or was edited",
         prepare=write("f.json", '{"format": "synthmix-mixtures-1", "digest": "blake2b:' + "0" * 32 + '"}')),
    said("optimize f.json", "f.json: is damaged", prepare=write("f.json", '{"format": "synthmix-mixtures-1"}')),
]  # fmt: skip

MANY = "loss,{0}web,{0}hq,{0}qa\n" + "".join(f"{3 + i / 10},{w},{h},{q}\n" for i, (w, h, q) in enumerate(
    [(1, 0, 0), (0, 1, 0), (0, 0, 1), (0.5, 0.5, 0), (0.5, 0, 0.5), (0.2, 0.3, 0.5)]
))  # fmt: skip
PLACED = "n,d," + MANY.format("mix.").replace("\n", "\n1M,1M,", 6)
TOLD = 'if these are the shares of sources: --columns "shares=mix.*"'
RUNS += [
    said("fit m.csv --law effective_tokens", "mix.web, mix.hq and mix.qa add up to 1 in every row", TOLD,
         prepare=write("m.csv", MANY.format("mix."))),
    said("optimize m.csv", 'columns "share.web=web,share.hq=hq,share.qa=qa"',
         prepare=write("m.csv", MANY.format(""))),
    said("fit m.csv --law data", "runs of one N and D are told apart by no column", TOLD,
         prepare=write("m.csv", PLACED)),
    said('fit m.csv --law effective_tokens --columns "shares=mix.*" --recipe x', "no runs of the recipe 'x'",
         prepare=write("m.csv", MANY.format("mix."))),
    said('optimize m.csv --columns "shares=mix.*" --most web=10% --most hq=10% --most qa=10%',
         "all sources together, as often as allowed, make 30% of the budget",
         prepare=write("m.csv", MANY.format("mix."))),
    said('optimize m.csv --columns "shares=mix.*" --least web=60% --least hq=60%', "no mixture keeps all of the bounds",
         prepare=write("m.csv", MANY.format("mix."))),
    said('optimize m.csv --columns "shares=mix.*" --mixture web',
         "--mixture web: is not NAME=SOURCE:SHARE", prepare=write("m.csv", MANY.format("mix."))),
    said('optimize m.csv --columns "shares=mix.*" --mixture now=web:70%,hq',
         "'hq' is not SOURCE:SHARE; write --mixture mine=web:50%,hq:50%", prepare=write("m.csv", MANY.format("mix."))),
    said('optimize m.csv --columns "shares=mix.*" --mixture now=web:70%,news:30%',
         "mixture now: no source 'news'; there are web, hq and qa", prepare=write("m.csv", MANY.format("mix."))),
    said('optimize m.csv --columns "shares=mix.*" --supply hq=1B', "tokens: is missing: how much of a supply",
         prepare=write("m.csv", MANY.format("mix."))),
    said('fit f.csv --columns "shares=mix.*" --law effective_tokens', "5 distinct mixtures of 3 sources are too few",
         "6 would do", prepare=write("f.csv", "\n".join(MANY.format("mix.").splitlines()[:6]) + "\n")),
]  # fmt: skip
