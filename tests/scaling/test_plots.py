import numpy as np

from synthmix.scaling import Runs, best_share, fit, plots, profile


def test_the_curve_holds_the_fit_and_the_runs_at_the_held_size(noisy: Runs) -> None:
    found = fit("chinchilla", noisy, bootstrap=50)
    figure = found.plot("D", N=float(noisy.N[0]))
    law, runs = figure.data[-2], figure.data[-1]
    at = np.flatnonzero(noisy.N[0] == noisy.N)
    assert len(runs.x) == len(at) == 6
    np.testing.assert_allclose(law.y, found.predict(N=noisy.N[0], D=np.array(law.x)))
    assert len(figure.data) == 3  # with a band
    assert figure.layout.xaxis.type == "log"
    bare = fit("chinchilla", noisy, bootstrap=0).plot("N")
    assert len(bare.data) == 2  # no band where there is no interval


def test_the_other_figures_hold_what_they_are_given(noisy: Runs) -> None:
    found = fit("chinchilla", noisy, bootstrap=50)
    residual = plots.residuals(noisy.D, found.residuals, "D", found.noise.total)
    np.testing.assert_allclose(residual.data[0].y, found.residuals)
    assert len(residual.layout.shapes) == 3
    part = profile(found, "E", points=11)
    figure = plots.profile(part.values, part.excess, part.threshold, "E")
    np.testing.assert_allclose(figure.data[0].y, part.excess)
    r = np.repeat([0.0, 0.3, 0.6, 1.0], 2)
    y = 3 + (r - 0.4) ** 2 + 0.001 * np.arange(8)
    best = best_share(r, y)
    figure = plots.share_curve(best.shares, best.mean, best.low, best.high, best.best.mid, (r, y), best.flat)
    np.testing.assert_allclose(figure.data[-1].x, r)
    N = np.geomspace(1e6, 1e8, 5)
    lines = [found.predict(N=N, D=C / 6 / N) for C in (1e16, 1e17)]
    figure = plots.isoflop(np.array([1e16, 1e17]), [N, N], lines, (np.array([1e7, 3e7]), np.array([3.0, 2.8])))
    assert [trace.name for trace in figure.data] == ["1.0e+16 FLOP", "1.0e+17 FLOP", "optimum"]
