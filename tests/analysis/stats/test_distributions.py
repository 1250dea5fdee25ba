"""Quantiles and tails against values printed by R 4.2.2 (qt, pt, qf, pf, qchisq, pchisq, qnorm, pnorm, dnorm)."""

from __future__ import annotations

from math import inf

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.stats import distributions as dist


def test_quantiles_are_those_of_r() -> None:
    assert dist.z_quantile(0.975) == pytest.approx(1.959963984540054, rel=1e-14)
    assert dist.t_quantile(0.975, 5) == pytest.approx(2.570581835636314, rel=1e-14)
    assert dist.t_quantile(1e-10, 2.37) == pytest.approx(-13819.373069571753, rel=1e-10)
    assert dist.f_quantile(0.975, 3, 10.5) == pytest.approx(4.721970375781533, rel=1e-13)
    assert dist.chi2_quantile(0.95, 3) == pytest.approx(7.814727903251179, rel=1e-14)


def test_tails_keep_their_digits_far_out() -> None:
    assert dist.t_two_sided(-40, 50) == pytest.approx(1.241242378437283e-39, rel=1e-10)
    assert dist.t_two_sided(6, 1e6) == pytest.approx(1.973849812354442e-09, rel=1e-10)
    assert dist.t_tail(2.2, 10) == pytest.approx(0.5 * dist.t_two_sided(2.2, 10), rel=1e-14)
    assert dist.f_tail(200, 3, 10.5) == pytest.approx(1.496070580301329e-09, rel=1e-10)
    assert dist.f_tail(1e6, 2, 30) == pytest.approx(4.377953760776470e-73, rel=1e-10)
    assert dist.z_tail(10) == pytest.approx(7.619853024160527e-24, rel=1e-12)
    assert dist.z_two_sided(-10) == pytest.approx(2 * 7.619853024160527e-24, rel=1e-12)
    assert dist.chi2_tail(100, 3) == pytest.approx(1.5541594e-21, rel=1e-7)


def test_density_of_the_normal() -> None:
    assert dist.z_density(1.0) == pytest.approx(0.24197072451914337, rel=1e-14)


def test_no_degrees_of_freedom_means_nothing_to_reject() -> None:
    assert dist.chi2_tail(0.0, 0) == 1.0


def test_infinite_degrees_of_freedom_are_the_limit() -> None:
    assert dist.t_quantile(0.975, inf) == pytest.approx(dist.z_quantile(0.975), rel=1e-14)
    assert dist.t_two_sided(2.5, inf) == pytest.approx(dist.z_two_sided(2.5), rel=1e-14)
    assert dist.f_tail(2.6, 3, inf) == pytest.approx(dist.chi2_tail(7.8, 3), rel=1e-14)
    assert dist.f_quantile(0.95, 3, inf) == pytest.approx(dist.chi2_quantile(0.95, 3) / 3, rel=1e-14)


def test_numbers_give_numbers_and_arrays_arrays() -> None:
    assert isinstance(dist.f_tail(2.0, 3, 10), float)
    assert isinstance(dist.z_quantile(0.5), float)
    many = dist.f_quantile([0.5, 0.5], 3, [10, inf])
    assert isinstance(many, np.ndarray)
    assert many[0] == pytest.approx(dist.f_quantile(0.5, 3, 10), rel=1e-14)
    assert many[1] == pytest.approx(dist.f_quantile(0.5, 3, inf), rel=1e-14)


def test_no_degrees_of_freedom_given_means_normal() -> None:
    assert dist.quantile(0.9, None) == dist.z_quantile(0.9)
    assert dist.quantile(0.9, 7) == dist.t_quantile(0.9, 7)
    assert dist.two_sided(1.3, None) == dist.z_two_sided(1.3)
    assert dist.two_sided(1.3, 7) == dist.t_two_sided(1.3, 7)


@given(st.floats(0.001, 0.999), st.floats(0.6, 300), st.floats(0.6, 300))
def test_every_quantile_has_its_probability_below_it(p: float, df1: float, df2: float) -> None:
    assert dist.z_tail(dist.z_quantile(p)) == pytest.approx(1 - p, rel=1e-9)
    assert dist.t_tail(dist.t_quantile(p, df1), df1) == pytest.approx(1 - p, rel=1e-8)
    assert dist.chi2_tail(dist.chi2_quantile(p, df1), df1) == pytest.approx(1 - p, rel=1e-8)
    assert dist.f_tail(dist.f_quantile(p, df1, df2), df1, df2) == pytest.approx(1 - p, rel=1e-6)
