"""PET-PEESE: the effect that a regression on precision predicts for a trial without sampling error."""

from __future__ import annotations

from dataclasses import dataclass

from numpy.typing import ArrayLike

from analysis.stats.bias.asymmetry import least_squares, precision, with_predictor
from analysis.stats.distributions import t_tail
from analysis.stats.errors import NotEstimable
from analysis.stats.inputs import check_level, check_option

DIRECTIONS = ("greater", "less")


@dataclass(frozen=True, slots=True)
class MetaRegressionEstimate:
    """Intercept (the corrected effect) and slope of a regression on the standard error or the variance."""

    intercept: float
    intercept_se: float
    intercept_p: float
    ci_low: float
    ci_high: float
    slope: float
    slope_se: float
    slope_p: float
    df: float


@dataclass(frozen=True, slots=True)
class PetPeese:
    """Both regressions and the one that the conditional rule chooses.

    Attributes
    ----------
    pet : on the standard error; its intercept is biased towards zero where there is an effect.
    peese : on the variance; right where there is an effect.
    pet_p_one_sided : of "no effect" against the stated direction.
    chosen : "PEESE" where that is below `alpha`, else "PET".
    """

    pet: MetaRegressionEstimate
    peese: MetaRegressionEstimate
    pet_p_one_sided: float
    alpha: float
    chosen: str

    @property
    def estimate(self) -> MetaRegressionEstimate:
        """The regression that the rule chooses."""
        return self.peese if self.chosen == "PEESE" else self.pet


def pet_peese(
    yi: ArrayLike, vi: ArrayLike, *, direction: str = "greater", alpha: float = 0.05, level: float = 0.95
) -> PetPeese:
    """PET, PEESE and the conditional estimate.

    Parameters
    ----------
    yi, vi : shape (k,)
        Effects and sampling variances above zero.
    direction : "greater" or "less"
        The side on which an effect is expected.
    alpha : level of the one-sided test of the PET intercept; 0.05, or 0.10 as some prefer.

    Raises
    ------
    TooFewEffects, RankDeficient, NotEstimable

    Notes
    -----
    Stanley & Doucouliagos (2014), Res Synth Methods 5:60-78: least squares with weights 1/v.
    """
    check_option(direction, DIRECTIONS, "The direction")
    check_level(1 - alpha)
    pet, peese = _regression(yi, vi, "sei", level), _regression(yi, vi, "vi", level)
    towards = 1.0 if direction == "greater" else -1.0
    p = t_tail(towards * pet.intercept / pet.intercept_se, pet.df)
    return PetPeese(pet, peese, p, alpha, "PEESE" if p < alpha else "PET")


def _regression(yi: ArrayLike, vi: ArrayLike, predictor: str, level: float) -> MetaRegressionEstimate:
    values, _ = precision(yi, vi, predictor, None)
    fit = least_squares(yi, vi, with_predictor(None, values), level)
    if fit.p_value is None:
        raise NotEstimable("The effects lie exactly on the regression line: there is no error to test against.")
    return MetaRegressionEstimate(
        intercept=float(fit.estimate[0]),
        intercept_se=float(fit.se[0]),
        intercept_p=float(fit.p_value[0]),
        ci_low=float(fit.ci_low[0]),
        ci_high=float(fit.ci_high[0]),
        slope=float(fit.estimate[1]),
        slope_se=float(fit.se[1]),
        slope_p=float(fit.p_value[1]),
        df=float(fit.k - 2),
    )
