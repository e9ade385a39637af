"""A law of mixtures in a file: all that predicts and decides later, without the runs being read or fitted again.

JSON, sealed with a digest. What is not known or not finite is null: a supply without limit, a loss that was not
measured.
"""

from pathlib import Path
from typing import Any

import numpy as np

from synthmix.errors import BadInput
from synthmix.files import read_json, write_json
from synthmix.results import Warn
from synthmix.scaling.mixtures.fitted import Calibration, MixtureFit, Noise
from synthmix.scaling.mixtures.law import MixtureLaw, find_mixture_law
from synthmix.scaling.mixtures.points import MixturePoints, MixtureRuns
from synthmix.scaling.mixtures.process import ResidualProcess
from synthmix.scaling.mixtures.terms import Units
from synthmix.scaling.runs import Array

FORMAT = "synthmix-mixtures-1"
UNITS = "N non-embedding parameters, D and unique tokens, losses nats per token, scores as errors 1 - score"


def save_mixtures(found: MixtureFit, path: str | Path) -> None:
    """Write a fit to one JSON file.

    Raises:
        BadInput, Failure: it cannot be written to.
    """
    points, process = found.runs.points, found.process
    write_json(Path(path), {
        "format": FORMAT, "law": found.law.name, "formula": found.law.formula, "names": found.names,
        "sources": list(points.sources), "domains": list(found.domains), "level": found.level,
        "runs": {
            "shares": points.shares.tolist(), "N": _plain(points.N), "D": _plain(points.D),
            "unique": _plain(points.unique), "losses": _plain(found.runs.losses), "group": found.runs.group.tolist(),
            "chance": _plain(found.runs.chance), "items": _plain(found.runs.items),
        },
        "scale": found.units._asdict(), "theta": found.theta.tolist(), "draws": found.draws.tolist(),
        "noise": {name: x.tolist() for name, x in found.noise._asdict().items()},
        "correlation": found.correlation.tolist(), "rho": found.rho, "covariance": found.covariance.tolist(),
        "freedom": found.freedom.tolist(),
        "held_out": [
            {
                **each._asdict(), "factor": each.factor.tolist(), "errors": _plain(each.errors),
                "predicted": _plain(each.predicted),
            } for each in found.held_out
        ],
        "process": None if process is None else {
            name: getattr(process, name).tolist() for name in ("scaled", "length", "part", "size")
        },
        "warnings": [warn.model_dump() for warn in found.warnings], "units": UNITS,
    }, digest=True)  # fmt: skip


def load_mixtures(path: str | Path, law: MixtureLaw | None = None) -> MixtureFit:
    """Read what :func:`save_mixtures` wrote; give ``law`` for a law of your own.

    Raises:
        BadInput: not such a file, damaged, or its law is another one.
    """
    data = read_json(Path(path))
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise BadInput("is not a saved fit of mixtures", where=path, remedy="write it with synthmix fit --to FILE.json")
    try:
        return _of(data, law)
    except BadInput as error:
        raise BadInput(error.problem, where=path, key=error.key, remedy=error.remedy) from None
    except (KeyError, TypeError, ValueError) as error:
        raise BadInput(f"is damaged ({error})", where=path, remedy="fit the runs again") from None


def _of(data: dict[str, Any], law: MixtureLaw | None) -> MixtureFit:
    held = data["runs"]
    points = MixturePoints(
        sources=tuple(data["sources"]), shares=held["shares"], N=held["N"], D=held["D"],
        unique=_array(held["unique"], np.inf),
    )  # fmt: skip
    # As they were to the last bit: they add up to one already, and dividing them again would round them.
    object.__setattr__(points, "shares", np.array(held["shares"], dtype=np.float64))
    runs = MixtureRuns(
        points=points,
        losses=_array(held["losses"], np.nan),
        domains=tuple(data["domains"]),
        group=held["group"],
        chance=_array(held["chance"], np.nan),
        items=_array(held["items"], np.nan),
    )
    bound = find_mixture_law(law or data["law"]).of(points)
    if bound.names(points) != data["names"]:
        raise BadInput(f"its law {data['law']} has other parameters here", key="law", remedy="fit the runs again")
    kept, process = data["process"], None
    if kept is not None:
        process = ResidualProcess(points, *(np.array(kept[name]) for name in ("scaled", "length", "part", "size")))
    t, p = len(data["domains"]), len(data["names"])
    theta, draws, covariance = (
        np.array(data[name], dtype=np.float64).reshape(shape)
        for name, shape in (("theta", (t, p)), ("draws", (-1, t, p)), ("covariance", (t, p, p)))
    )
    return MixtureFit(
        bound, runs, Units(**data["scale"]), theta, draws,
        Noise(**{name: np.array(x) for name, x in data["noise"].items()}), np.array(data["correlation"]), data["rho"],
        covariance, np.array(data["freedom"]),
        tuple(
            Calibration(**{
                **each, "factor": np.array(each["factor"]), "errors": _array(each["errors"], np.nan),
                "predicted": _array(each["predicted"], np.nan),
            })
            for each in data["held_out"]
        ),
        data["level"], [Warn(**warn) for warn in data["warnings"]], process,
    )  # fmt: skip


def _plain(values: Array | None) -> Any:
    """As lists, null for what is not finite."""
    if values is None:
        return None
    return np.where(np.isfinite(values), values.astype(object), np.full(values.shape, None, dtype=object)).tolist()


def _array(values: Any, missing: float) -> Array | None:
    """The array of :func:`_plain`, ``missing`` where null stands."""
    if values is None:
        return None
    found = np.array(values, dtype=object)
    flat = [missing if x is None else float(x) for x in found.ravel()]
    return np.array(flat, dtype=np.float64).reshape(found.shape)
