"""Bad input: the commands that ask, write, value, count and look."""

from .mistakes import SMALL, Case, said, write

ASK = "advise --params 1B --tokens 20B --real 1B"
MAKE = "generate --from web.jsonl --to job --model m --endpoint http://127.0.0.1:9 --quiet"
BOUND = "bound --real web.jsonl --synthetic hq.jsonl --target other.jsonl --vocab 300 --quiet"
CACHE = ".synthmix"

RUNS = write("runs.csv", "N,D,loss\n1e6,1e7,3\n")
MIXTURES = write("mix.csv", "mix.a,mix.b,loss\n1,0,3\n.5,.5,2.9\n0,1,3.1\n")
BEST = "optimize mix.csv --columns shares=mix.*"
OVER = "fit mix.csv --law effective_tokens"
EMPTY = write("empty.jsonl", "")
CUT = write("cut.npz", b"PK\x03\x04")

ADVISE = [
    said("advise", "--params: is missing; say what you will train"),
    said("advise --params 1B", "--tokens: is missing"),
    said(f"{ASK} --synthetic qa,price=1 --evidence none.csv", "none.csv: "),
    said(
        f"{ASK} --synthetic qa,price=1 --evidence e.csv",
        "e.csv: study: line 2: is no row of evidence (Field required)",
        prepare=write("e.csv", b"kind\nqa\n"),
    ),
    said("advise --params 1B --tokens lots --real 1B --synthetic qa,price=1", "--tokens: 'lots' is not a count"),
    said(ASK, "--synthetic: no kind of synthetic text is named"),
    said(f"{ASK} --synthetic qa", "--synthetic qa: has no price; add price=MONEY"),
    said(f"{ASK} --synthetic qa,price=-1", "--synthetic qa: price: '-1' is negative"),
    said(f"{ASK} --synthetic qa,price=cheap", "'cheap' is not an amount of money"),
    said(f"{ASK} --synthetic qa,price=1 --synthetic qa,price=2", "--synthetic qa: is named twice"),
    said(f"{ASK} --synthetic qa,price=1 --budget-money -3", "--budget-money"),
    said(f"{ASK} --synthetic qa,price=1 --price-training -3", "--price-training"),
    said(f"{ASK} --synthetic qa,price=1 --prices none.yaml", "none.yaml: --prices: no such file"),
    said(
        f"{ASK} --synthetic qa,price=1 --prices p.yaml",
        "p.yaml: --prices: is no price list",
        prepare=write("p.yaml", "- 3"),
    ),
    said(
        f"{ASK} --synthetic qa --prices p.yaml",
        "--synthetic qa: has no price",
        prepare=write("p.yaml", "gpu_hour: 2\nflops: 989e12\nmfu: 40%\ngenerated: {hq: 1}\n"),
    ),
    said(
        f"{ASK} --synthetic qa,price=1 --prices mfu.yaml",
        "mfu.yaml: mfu: 'much' is not a share",
        prepare=write("mfu.yaml", "gpu_hour: 2\nflops: 989e12\nmfu: much\n"),
    ),
    said(
        f"{ASK} --synthetic qa,price=1 --prices gpu.yaml",
        "gpu.yaml: gpu: unknown key",
        prepare=write("gpu.yaml", "gpu_hour: 2\nflops: 989e12\nmfu: 40%\ngpu: H100\n"),
    ),
    said(f"{ASK} --study none", "none: no such study; name its file or its folder"),
    said(f"{ASK} --study .", ".: has no results yet; run it with synthmix study run"),
]

GENERATE = [
    said("generate --from none.jsonl --to job --model m --endpoint http://127.0.0.1:9", "none.jsonl: files: no such"),
    said("generate --from web.jsonl --to job --model ./none --quiet", "none: model: no such folder"),
    said("generate --from web.jsonl --to job --model . --quiet", ".: no model can be loaded"),
    said("generate --from empty.jsonl --to job --model m --endpoint http://127.0.0.1:9", "holds no", prepare=EMPTY),
    said(f"{MAKE} --type nothing", "nothing: no such template; built in: "),
    said(f"{MAKE} --template none.jinja", "none.jinja: no such template"),
    said(f"{MAKE} --endpoint ftp://x", "'ftp://x' is not an http address"),
    said(f"{MAKE} --sampling temperature", "--sampling temperature: is not NAME=VALUE"),
    said(f"{MAKE} --sampling temperature=-1", "--sampling: temperature: -1 is not a number from 0 to 2"),
    said(f"{MAKE} --filter nothing=1", "--filter nothing: unknown key"),
    said(f"{MAKE} --tokens lots", "--tokens: 'lots' is not a count"),
    said(f"{MAKE} --price-in -1", "--price-in"),
    said(f"{MAKE} --budget-money 0", "--budget-money"),
    said(f"{MAKE} --key-env NO_SUCH_KEY", "NO_SUCH_KEY is not set"),
    said("quality none", "none: files: no such file; check the path"),
    said("quality a=none a=other", "a: is given twice"),
    said("quality . --to page", ".: holds no finished text"),
]

LADDER_AND_RATES = [
    said("ladder --params 5", "5 parameters are too few; the minimum is 25k"),
    said("ladder --params many", "--params: 'many' is not a count"),
    said("ladder --params 1M --batch 100", "100 tokens are not a whole number of sequences"),
    said("tune --from web.jsonl --params 25k --quiet", "a rule needs two sizes of different width"),
    said("tune --from web.jsonl --rates 2 --quiet", "2 rates have no lowest point"),
    said("tune --from web.jsonl --rates .01,.001,.1 --quiet", "the rates must be positive and rise"),
    said("tune --from none.jsonl --quiet", "none.jsonl: files: no such file"),
    said("tune --from web.jsonl --engine cloud --quiet", "there is no engine 'cloud'; write local or ray"),
    said("tune --from web.jsonl --address auto --quiet", "an address is a Ray cluster's; add --engine ray"),
]

LAWS = [
    said("compare none.csv", "none.csv: no such file"),
    said("compare runs.csv --law chinchila", "--law: no law 'chinchila'", prepare=RUNS),
    said("compare runs.csv --columns N=size", "size", prepare=RUNS),
    said("compare none.yaml gone.yaml", "none.yaml: no such study file"),
    said("compare none.yaml gone.yaml --law chinchilla", "--law: is for runs, not for study files"),
    said("report none --slide", "none: no such file"),
    said("study report none.yaml --slide", "none.yaml: no such study file"),
    said("study compare none.yaml gone.yaml --html page.html", "none.yaml: no such study file"),
    said("compare runs.csv --level 2", "--level", prepare=RUNS),
    said(
        "fit mix.csv --columns shares=mix.*",
        "3 mixtures of 2 sources, which this law takes for repeats of one run",
        prepare=MIXTURES,
    ),
    said(f"{OVER} --columns shares=mix.*", "law effective_tokens: 3 distinct mixtures", prepare=MIXTURES),
    said(f"{OVER} --columns shares=none.*", "shares: no column is like 'none.*'", prepare=MIXTURES),
    said(f"{OVER} --columns shares=mix.a", "has the share of one source alone", prepare=MIXTURES),
    said("fit runs.csv --law effective_tokens", "has no shares by source; name the share", prepare=RUNS),
    said(f"{OVER} --columns shares=mix.* --predict N=1B", "--predict: is not for a law over shares", prepare=MIXTURES),
    said("fit runs.csv --predict-file new.csv", "--to: is missing; name a .csv", prepare=RUNS),
    said(f"{BEST} --supply hq", "--supply hq: is not NAME=VALUE", prepare=MIXTURES),
    said(f"{BEST} --supply a=lots", "--supply a: 'lots' is not a count", prepare=MIXTURES),
    said(f"{BEST} --most a=2", "--most a: '2' is not between 0 and 1", prepare=MIXTURES),
    said(f"{BEST} --most a=1 --most a=0", "--most a=0: is given twice", prepare=MIXTURES),
    said(f"{BEST} --group a+b", "--group: 'a+b' is no group", prepare=MIXTURES),
    said(BEST, "3 distinct mixtures of 2 sources are too few; 5 would do", prepare=MIXTURES),
    said("optimize runs.csv", "has no shares by source", prepare=RUNS),
    said("fit runs.csv --kind sum", "--kind: 'sum' is no kind of interval", prepare=RUNS),
    said("phases detect none.csv", "none.csv: no such file"),
    said("phases detect runs.csv", "cannot show three phases; measure at 8 or more", prepare=RUNS),
    said("phases detect runs.csv --level 2", "--level", prepare=RUNS),
    said("phases estimate --real web.jsonl --synthetic none.jsonl --vocab 300 -q", "none.jsonl", may_write=CACHE),
    said("phases estimate --real web.jsonl --synthetic hq.jsonl --pi 2", "--pi: is 2; give a natural share"),
    said("phases simulate --beta .5", "beta: is 0.5; give one above 1"),
    said("phases simulate --beta 2 --pi 2 --k 10", "pi: is 2; give one between 0 and 1"),
    said("phases simulate --beta 2 --pi .1 --k 10 --n x", "--n: 'x' is neither FROM:TO:POINTS nor a list"),
    said(f"{BOUND} --pi 2", "--pi: '2' is not between 0 and 1"),
    said(f"{BOUND} --tokens none", "--tokens: 'none' is not a count"),
    said("bound --real web.jsonl --synthetic hq.jsonl --target none.jsonl --vocab 300 -q", "none", may_write=CACHE),
]

TEXT_AND_READING = [
    said("stats web.jsonl --against none.jsonl --vocab 300 -q", "none.jsonl: ", may_write=CACHE),
    said("stats web.jsonl", "--against"),
    said("stats --study none", "none: no such study"),
    said(
        "generate --from web.jsonl --to g --model m --endpoint http://localhost:9/v1 --have web.jsonl -q",
        "--have: is for --toward",
    ),
    said(
        "generate --from web.jsonl --to g --model m --endpoint http://localhost:9/v1 --toward none.jsonl -q",
        "none.jsonl: ",
        may_write=CACHE,
    ),
    said(
        "generate --from web.jsonl --to g --model m --endpoint http://localhost:9/v1 --toward web.jsonl -q",
        "web.jsonl: --toward: stands on both sides",
    ),
    said("gap --have web.jsonl", "nothing to compare"),
    said("gap --study none", "none: no such study"),
    said("gap --study study.yaml --have web.jsonl", "--study: names its own texts"),
    said("gap --have web.jsonl --need none.jsonl --vocab 300 -q", "none.jsonl: ", may_write=CACHE),
    said("gap --have web.jsonl --need web.jsonl --vocab 300 -q", "web.jsonl: --need: stands on both sides"),
    said("gap --have 50%:web.jsonl --have hq.jsonl --need other.jsonl -q", "hq.jsonl: has no share"),
    said(
        "gap --have 50%:web.jsonl --have 40%:hq.jsonl --need other.jsonl --vocab 300 -q",
        "make 90%, not 100%",
        may_write=CACHE,
    ),
    said(
        "gap --have web.jsonl --need other.jsonl --synthetic hq --vocab 300 -q",
        "--synthetic hq: is no source",
        may_write=CACHE,
    ),
    said("gap --have web.jsonl --need other.jsonl --tokens many -q", "--tokens: 'many' is not a count"),
    said(
        "gap --have web.jsonl --need other.jsonl --checkpoint none --vocab 300 -q",
        "none: --checkpoint: holds no model",
        may_write=CACHE,
    ),
    said("compare-generators", "synthmix: "),
    said("compare-generators web.jsonl hq.jsonl --sources none.jsonl --quiet", "none.jsonl: files: no such file"),
    said("compare-generators web.jsonl --by model --human human --quiet", "web.jsonl:1: by: a record has no 'model'"),
    said("compare-generators a=web.jsonl b=hq.jsonl --engine cloud --quiet", "there is no engine 'cloud'"),
    said("compare-generators --study none", "none: no such study"),
    said("compare-tokenizers", "synthmix: "),
    said("compare-tokenizers web.jsonl --against none.jsonl --quiet", "none.jsonl: files: no such file"),
    said("compare-tokenizers web.jsonl --against other.jsonl --vocab 100 --quiet", "100 is too small"),
    said("look none.jsonl --source web.jsonl --to sheet.html -q", "none.jsonl: files: no such file"),
    said("look web.jsonl --source none.jsonl --to sheet.html -q", "none.jsonl: files: no such file"),
    said("look web.jsonl --source hq.jsonl --to sheet.html --count 0", "--count"),
    said("look none.html --ratings mine.json", "none.html: "),
    said("doctor --cores 3", "No such option: --cores", "see synthmix doctor --help"),
    said("evaluate", "nothing is named"),
    said("evaluate run", "--on: nothing to evaluate on"),
    said("evaluate run --on other.jsonl --harness arc_easy", "give --on or --harness, one at a time"),
    said("evaluate . --harness tasks --include-path none -q", "none"),
]

VALUES = [
    said("value web.jsonl --reference none.jsonl -q", "none.jsonl: files: no such file"),
    said("value none.jsonl --reference other.jsonl -q", "none.jsonl: files: no such file"),
    said(
        "value cut.npz --reference other.jsonl -q",
        "cut.npz: is not an array file",
        prepare=write("cut.npz", b"PK\x03\x04"),
    ),
    said("value empty.jsonl --reference other.jsonl -q", "empty.jsonl: holds no documents", prepare=EMPTY),
    said("value web.jsonl --reference other.jsonl --weights heavy -q", "no weights are called 'heavy'"),
    said("value web.jsonl --reference other.jsonl --method nothing -q", "--method: no method 'nothing'; one of "),
    said("value web.jsonl --reference other.jsonl --engine cloud -q", "there is no engine 'cloud'"),
    said("value web.jsonl --reference other.jsonl --text body -q", "other.jsonl:1: body: no such field; it has text"),
    said("value a=web.jsonl a=hq.jsonl --reference other.jsonl -q", "a: is given twice; give names: a=FILE b=FILE"),
    said("value web.jsonl --reference other.jsonl --tokens lots -q", "--tokens: 'lots' is not a count"),
    said("value web.jsonl --reference other.jsonl --base none.jsonl -q", "none.jsonl: files: no such file"),
    said("select web.jsonl --reference other.jsonl --tokens 1k --to new --engine cloud -q", "no engine 'cloud'"),
    said("select web.jsonl --reference none.jsonl --tokens 1k --to new -q", "none.jsonl: files: no such file"),
    said("select web.jsonl --reference other.jsonl --tokens lots --to new", "--tokens: 'lots' is not a count"),
    said("select web.jsonl --reference other.jsonl --tokens 1k --to . --vocab 300 -q", "holds other files"),
    said("select web.jsonl --reference other.jsonl --tokens 1k --to new --rounds 0", "--rounds"),
    said("select web.jsonl --reference other.jsonl --tokens 1k --to new --method mmd -q", "'mmd' chooses no documents"),
]

SMALL_ONES = [
    said("corpus sample --to web.jsonl --domain networkx -q", "a file stands where a folder is needed"),
    said("corpus show none", "none: no corpus here"),
    said("corpus build web.jsonl --to new --name a/b --vocab 300 -q", "name: the name 'a/b' holds /; use letters"),
    said("train a/b=web.jsonl --on other.jsonl --params 25k --tokens 9k -q", "the name 'a/b' holds /; use letters"),
    said("train .hidden=web.jsonl --on other.jsonl --params 25k --tokens 9k -q", "begins or ends with a dot"),
    said("study plan none.yaml", "none.yaml: no such study file"),
    said("study status none.yaml", "none.yaml: no such study file"),
    said("study report none.yaml", "none.yaml: no such study file"),
    said("study run", "study: a study file or --example is needed, and one of them"),
    said("study plan study.yaml --example quickstart", "study: a study file or --example is needed, and one of them"),
    said("study run --example nothing", "--example: there is no example 'nothing'; write many-sources or quickstart"),
    said("study run study.yaml --webhook ftp://x", "--webhook: is not an http address; write https://... or env:NAME"),
    said("study run study.yaml --webhook env:NOT_SET", "--webhook: the environment has no NOT_SET"),
    said('study run study.yaml --then "\'"', "--then: cannot be split into words (No closing quotation)"),
    said("study compare study.yaml", "study compare: names one study; name two or more"),
    said("study compare study.yaml study.yaml", "study compare: is named twice"),
    said("study compare none.yaml study.yaml", "none.yaml: no such study file"),
    said("init", "init: no file is named; name your natural and synthetic text"),
    said("init none.jsonl --to new.yaml", "none.jsonl: files: no such file"),
    said("init web.jsonl --to study.yaml", "study.yaml: is there already; name another file with --to"),
    said("init --synthetic hq.jsonl --to new.yaml", "init: no natural text is among the files: it is the yardstick"),
    said("init web.jsonl empty.jsonl --to new.yaml", "empty.jsonl: holds no text", prepare=EMPTY),
]

EXPORT = [
    said("export 50%:a=x 50%:b=y --to cards", "--to: no format 'cards'; choose one of megatron-blend,"),
    said("export 50%:a=x 40%:b=y --to json", "make 90%, not 100%"),
    said("export 50%:a=x y --to json", "y: has no share"),
    said("export a=x --to json --available b=1B", "--available: no source 'b' in the mixture; it has a"),
    said("export a=x --to json --available a=lots", "--available a: 'lots' is not a count"),
    said("export a=x --to json --path x", "--path: 'x' is not SOURCE=VALUE"),
    said("export a=x --to json --recipe hq", "--recipe: is for a study or an advice"),
    said("export a=x --to json --out web.jsonl", "web.jsonl: --out: is there already"),
    said("export 'a=x y' --to megatron-blend", "a path with a space"),
    said("export none.yaml --to json", "none.yaml: no such study file"),
    said("export other.json --to json", "other.json: is no advice", prepare=write("other.json", b"{}")),
    said(
        "export priors.json --to json",
        "priors.json: rests on published findings and recommends no mixture",
        prepare=write("priors.json", b'{"decision": null}'),
    ),
    said("export web.jsonl --to olmo --tokens 9k", "--out: is missing; name the folder"),
    said("export web.jsonl --to olmo --out new", "--tokens: is missing; say how many tokens"),
    said("export web.jsonl --to olmo --out new --tokens 9", "--tokens: 9 tokens are less than one sequence of 128"),
    said("export web.jsonl --to olmo --out new --tokens 1k --unit word", "--unit: 'word' is no unit of olmo"),
    said("export web.jsonl --to olmo --out new --tokens 1k --unit document", "--unit: 'document' is no unit of olmo"),
    said("export web.jsonl --to olmo --out new --tokens 1k --shard-tokens lots", "--shard-tokens: 'lots' is not"),
    said("export none.jsonl --to olmo --out new --tokens 1k -q", "none.jsonl: files: no such file"),
    said("export web.jsonl --to olmo --out . --tokens 1k", ".: --out: holds other files (and no manifest.json)"),
    said("export web.jsonl --to olmo --out hq.jsonl --tokens 1k", "hq.jsonl: --out: is a file, not a folder"),
    Case(
        "an export of more than there is",
        ("web: 1M tokens asked for", "1 epoch(s) allowed", "raise --epochs"),
        ("export", "web.jsonl", "--to", "olmo", "--out", "new", "--tokens", "1M", *SMALL),
        may_write=(".synthmix",),
    ),
    said("export study.yaml --to olmo --out new --tokens 1k --recipe web -q", "study.yaml: web: its text is not here"),
    said("export study.yaml --to json --recipe none", "--recipe: no recipe 'none'; it has web"),
]

TWO = write("two.csv", "N,D,recipe,loss\n1e6,1e7,a,3\n1e6,1e7,b,2.9\n")
RANK = [
    said("rank none.csv", "none.csv: no such file"),
    said("rank runs.csv", "has no recipes to rank; name them: --columns recipe=", prepare=RUNS),
    said("rank two.csv --params 1B", "--tokens: is missing; name both", prepare=TWO),
    said("rank two.csv --params 1B --tokens lots", "--tokens: 'lots' is not a count", prepare=TWO),
    said("rank two.csv --metric core", "--metric: no metric 'core'; the table has loss", prepare=TWO),
    said("rank two.csv --recipe c", "--recipe: no runs of the recipe 'c'; it has a and b", prepare=TWO),
    said("rank two.csv --recipe a", "--recipe: one recipe is no ranking", prepare=TWO),
    said("rank two.csv --columns depth=x", "--columns: 'depth=x' names no column", prepare=TWO),
    said(
        "rank flat.csv",
        "'loss' is 3 everywhere; choose another --metric",
        prepare=write("flat.csv", "N,D,recipe,loss\n1e6,1e7,a,3\n1e6,1e7,b,3\n"),
    ),
]

COMMANDS = [*ADVISE, *EXPORT, *RANK, *GENERATE, *LADDER_AND_RATES, *LAWS, *TEXT_AND_READING, *VALUES, *SMALL_ONES]
