"""The figures of a study's page."""

from synthmix.report.figures import Figure
from synthmix.report.figures_domains import domain_figure, statistics_figure
from synthmix.report.figures_fit import isoflop_figure, profile_figure, residual_figure
from synthmix.report.figures_loss import loss_figure
from synthmix.report.figures_share import share_figure
from synthmix.report.figures_tasks import task_figure, task_share_figure
from synthmix.results import Results


def figures(results: Results) -> list[Figure]:
    """All figures that the results allow, in the order of the page."""
    found = [share_figure(results), loss_figure(results, "tokens"), loss_figure(results, "params")]
    found += [domain_figure(results), statistics_figure(results)]
    found += [residual_figure(results), profile_figure(results), isoflop_figure(results)]
    found += [task_figure(results), task_share_figure(results)]
    return [figure for figure in found if figure is not None]
