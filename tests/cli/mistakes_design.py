"""Bad input: designs before they are run."""

from .mistakes import said

LADDER = "--sizes 25k,75k,225k --budgets 200k,400k,800k"
BEFORE_RUNNING = [
    said("design", "--params: is missing; name a study file, or --params and --tokens"),
    said("design --params 1B", "--tokens: is missing"),
    said("design --params 1B --tokens 1B", "--sizes: is missing; name the ladder"),
    said(f"design none.yaml {LADDER} --params 1B --tokens 1B", "is for a design without a study file"),
    said("design none.yaml", "none.yaml: no such study file"),
    said("design --params 1B --tokens 1B --cost 1e9", "below the cost of the smallest ladder that a law can be fitted"),
    said("design --params 1B --tokens 1B --cost -1", "cost: -1.0 is not a positive number of FLOPs"),
    said(f"design --params 1B --tokens 1B {LADDER} --cost 1e15", "--cost: is for a ladder that is not given"),
    said(f"design --params 1B --tokens 1B {LADDER} --shares 0", "shares: are not between 0 and 1, or hold nothing"),
    said(f"design --params 1B --tokens 1B {LADDER} --shares 0,150%", "--shares: "),
    said(f"design --params 1B --tokens 1B {LADDER} --proposals 0", "--proposals: are not multiples above 0"),
    said(f"design --params 1B --tokens 1B {LADDER} --runs none.csv", "none.csv: no such file"),
]
