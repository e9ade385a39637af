from benchmarks.valuation.command import main

main()
