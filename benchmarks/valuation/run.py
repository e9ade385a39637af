"""Every valuation method on every task, against trained models, as Markdown tables.

    python benchmarks/valuation/run.py                                     all that trains on no dataset
    python benchmarks/valuation/run.py --methods retrain tracin            what does
    python benchmarks/valuation/run.py --task images --methods ours mmd    two methods on one task; the others' last
                                                                           scores stand beside them
    python benchmarks/valuation/run.py --truth                             only train what the truth needs
    python benchmarks/valuation/run.py --tables                            only print what was measured last
    python benchmarks/valuation/run.py --study selection cost              studies of our score: sensitivity, selection,
                                                                           filters, decisions, mixtures, scale, speed,
                                                                           cost, libraries, memory

The truth is trained once (about 15 minutes on two cores for all tasks) and kept in studies/valuation; what is committed
in docs/results/valuation is used before. `--keep` writes results, truth and tables there.
"""

import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2]))
    from benchmarks.valuation.command import main

    main()
