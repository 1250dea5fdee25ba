# Reference cases beside those of ../cases, in the same form: other data and options, small k, far and tiny scales,
# zero cells, wide variances. Needs metafor 3.8-1, robumeta 2.0, clubSandwich 0.5.8, metadat, jsonlite.
# usage: Rscript tests/reference/more/make.R tests/reference/more  ->  one JSON file per area
suppressMessages({
  library(metafor); library(clubSandwich); library(robumeta); library(metadat); library(jsonlite)
})
folder <- commandArgs(TRUE)[1]
set.seed(20261127)
versions <- "[R 4.2.2, metafor 3.8.1, clubSandwich 0.5.8, robumeta 2.0]"
quiet <- function(e) suppressWarnings(suppressMessages(e))
vec <- function(x) if (is.null(x)) NULL else I(unname(as.vector(x)))
num <- function(x) if (is.null(x) || length(x) == 0) NA else unname(as.numeric(x))[1]
plain <- function(X) { X <- as.matrix(X); attributes(X) <- list(dim = dim(X)); X }
tight <- function(v) list(threshold = 1e-13 * v, tol = 1e-14 * v, maxiter = 20000)

cases <- list()
add <- function(area, id, source, input, options, expected, rtol, atol, by_key = NULL) {
  case <- list(id = id, area = area, source = paste(source, versions), input = input, options = options,
               expected = expected, rtol = rtol, atol = atol)
  if (!is.null(by_key)) case$rtol_by_key <- by_key
  cases[[area]] <<- c(cases[[area]], list(case))
}
# what R itself cannot fit is left out and named
attempt <- function(what, e) tryCatch(quiet(e), error = function(err) {
  message("left out ", what, ": ", conditionMessage(err)); NULL
})

# --- data ----------------------------------------------------------------------------------------------------
whole <- function(d, mods = NULL, cluster = NULL, most = Inf) {
  d <- as.data.frame(d)
  keep <- !is.na(d$yi) & !is.na(d$vi)
  if (!is.null(mods)) {
    for (name in all.vars(mods)) if (is.character(d[[name]])) d[[name]] <- factor(d[[name]])
    keep <- keep & complete.cases(d[all.vars(mods)])
  }
  d <- d[keep, , drop = FALSE]
  number <- if (is.null(cluster)) seq_len(nrow(d)) else match(d[[cluster]], unique(d[[cluster]]))
  d <- droplevels(d[number <= most, , drop = FALSE])
  list(yi = as.numeric(d$yi), vi = as.numeric(d$vi), X = if (is.null(mods)) NULL else model.matrix(mods, d),
       cluster = if (is.null(cluster)) NULL else number[number <= most])
}
means <- function(measure, d) escalc(measure, m1i = m1i, sd1i = sd1i, n1i = n1i, m2i = m2i, sd2i = sd2i, n2i = n2i, data = d)
counts <- function(measure, d) escalc(measure, ai = ai, n1i = n1i, ci = ci, n2i = n2i, data = d)
correlations <- function(measure, d) escalc(measure, ri = ri, ni = ni, data = d)
data <- list(
  lau1992 = whole(counts("OR", dat.lau1992), ~ year),
  nielweise2007 = whole(counts("RR", dat.nielweise2007)),
  hine1989 = whole(counts("RD", dat.hine1989)),
  molloy2014 = whole(correlations("ZCOR", dat.molloy2014), ~ controls + meanage),
  cohen1981 = whole(correlations("COR", dat.cohen1981), ~ control),
  curtis1998 = whole(means("ROM", dat.curtis1998[1:40, ]), ~ method),
  gibson2002 = whole(means("SMDH", dat.gibson2002), ~ type),
  few3 = whole(data.frame(yi = c(-1.2, 0.4, -0.1), vi = c(0.3, 0.05, 0.2))),
  few4 = whole(data.frame(yi = c(2.1, 2.6, 1.2, 3.9), vi = c(0.2, 0.1, 0.15, 0.6), z = c(0, 1, 3, 2)), ~ z),
  tiny = whole(data.frame(yi = rnorm(12, -3e-4, 2e-4), vi = runif(12, 1e-9, 4e-8), z = rnorm(12)), ~ z),
  vast = whole(data.frame(yi = rnorm(10, 8e5, 3e5), vi = runif(10, 1e9, 1e11), z = rnorm(10, 1e4, 10)), ~ z),
  far = whole(data.frame(yi = 1e4 + rnorm(15), vi = runif(15, 0.01, 1), g = rep(c("x", "y", "z"), 5)), ~ g),
  wide = whole(data.frame(yi = rnorm(14, 0.2, 0.5), vi = 10^runif(14, -5, 1), z = runif(14)), ~ z),
  level = whole(data.frame(yi = rnorm(9, 0, 0.4), vi = rep(0.04, 9))),
  alike = whole(data.frame(yi = 0.3 + rnorm(8, 0, 0.02), vi = runif(8, 0.1, 0.4), z = rnorm(8)), ~ z),
  pair = whole(data.frame(yi = c(-0.3, 0.5), vi = c(0.02, 0.3))),
  one = whole(data.frame(yi = 0.7, vi = 0.2)))

# --- REML and ML at their global optimum: the score written out and scanned -------------------------------------
score <- function(t, y, v, Q, restricted) {
  w <- 1 / (v + t); WQ <- w * Q; M <- solve(crossprod(Q, WQ)); r <- as.numeric(y - Q %*% (M %*% crossprod(WQ, y)))
  sum((w * r)^2) - sum(w) + if (restricted) sum(M * crossprod(WQ)) else 0
}
loglik <- function(t, y, v, Q, restricted) {
  w <- 1 / (v + t); A <- crossprod(Q, w * Q); r <- as.numeric(y - Q %*% solve(A, crossprod(Q, w * y)))
  -0.5 * sum(log(v + t)) - 0.5 * sum(w * r^2) - if (restricted) 0.5 * as.numeric(determinant(A)$modulus) else 0
}
best_tau2 <- function(d, X, restricted) {
  Q <- qr.Q(qr(X)); y <- as.numeric(d$yi - Q %*% crossprod(Q, d$yi)); v <- d$vi
  grid <- c(0, 10^seq(log10(min(v)) - 4, log10(2 * max(sum(y^2), max(v))), length.out = 250))
  s <- sapply(grid, score, y, v, Q, restricted)
  found <- if (s[1] <= 0) 0
  for (i in which(s[-length(s)] > 0 & s[-1] <= 0))
    found <- c(found, uniroot(score, grid[i + 0:1], y, v, Q, restricted, tol = 1e-16 * grid[i + 1], maxiter = 5000)$root)
  found[which.max(sapply(found, loglik, y, v, Q, restricted))]
}
univariate <- function(d, method, test = "z", level = 95, X = NULL, ...) {
  unit <- mean(d$vi)
  arguments <- list(yi = d$yi, vi = d$vi, method = method, test = test, level = level, control = tight(unit), ...)
  if (!is.null(X)) arguments <- c(arguments, list(mods = X, intercept = FALSE))
  if (!(method %in% c("REML", "ML")) || length(d$yi) == 1) return(quiet(do.call(rma.uni, arguments)))
  best <- best_tau2(d, if (is.null(X)) matrix(1, length(d$yi)) else X, method == "REML")
  arguments$control$tau2.init <- best
  fit <- quiet(do.call(rma.uni, arguments))
  if (abs(fit$tau2 - best) > 1e-7 * (best + unit)) stop("R stops at ", fit$tau2, ", the optimum is ", best)
  fit
}
given <- function(d, X = NULL) {
  input <- list(yi = vec(d$yi), vi = vec(d$vi))
  if (!is.null(X)) { input$X <- plain(X); input$X_names <- vec(colnames(X)) }
  input
}
fitted_values <- function(f) {
  statistics <- f$fit.stats[[if (f$method == "REML") "REML" else "ML"]]
  out <- list(k = f$k, p = f$p, beta = vec(f$beta), se = vec(f$se), stat = vec(f$zval), pval = vec(f$pval),
              ci_lb = vec(f$ci.lb), ci_ub = vec(f$ci.ub), tau2 = f$tau2, I2 = num(f$I2), H2 = num(f$H2), QE = f$QE, QEp = f$QEp,
              loglik = statistics[1], AIC = statistics[3], AICc = statistics[5])
  if (f$method != "EE" && f$k > 1) out$se_tau2 <- num(f$se.tau2)
  if (f$p > 1) out <- c(out, list(QM = f$QM, QM_df1 = f$QMdf[1], QM_df2 = num(f$QMdf[2]), QMp = f$QMp))
  out
}

# --- univariate models -------------------------------------------------------------------------------------------
others <- c("DL", "HE", "HS", "HSk", "SJ", "PM", "EB", "PMM", "SJIT", "EE")
for (name in names(data)) {
  d <- data[[name]]
  for (X in list(NULL, d$X)[c(TRUE, !is.null(d$X))]) for (method in c("REML", sample(c("ML", others), 3))) {
    test <- sample(c("z", "t", "knha", "adhoc"), 1); level <- sample(c(95, 90, 99), 1)
    id <- paste(c("more", name, if (!is.null(X)) "mods", method, test, level), collapse = "_")
    f <- attempt(id, univariate(d, method, test, level, X)); if (is.null(f)) next
    add(if (is.null(X)) "pooling" else "meta_regression", id, paste("rma.uni at the global optimum; data", name), given(d, X),
        list(op = "rma_uni", method = method, test = test, level = level), fitted_values(f), 1e-8, 1e-9 * min(1, max(d$vi)))
  }
  if (length(d$yi) < 3) next
  type <- sample(c("QP", "PL"), 1); method <- sample(c("REML", "ML"), 1); level <- sample(c(95, 80, 99), 1)
  id <- paste("more_interval", name, type, method, level, sep = "_"); unit <- mean(d$vi)
  r <- attempt(id, confint(univariate(d, method), type = type, level = level, control = list(tol = 1e-13 * unit, tau2.max = 1e5 * unit)))
  if (!is.null(r)) {
    e <- list()
    for (i in 1:4) for (j in 1:3) e[[paste0(c("tau2", "tau", "I2", "H2")[i], c("", "_lb", "_ub")[j])]] <- r$random[i, j]
    add("heterogeneity", id, paste("confint(rma.uni); data", name), given(d),
        list(op = "confint_tau2", method = method, type = type, level = level), e, if (type == "PL") 1e-6 else 1e-7, 1e-8 * min(1, unit))
  }
  kind <- sample(c("default", "riley"), 1); method <- sample(c("REML", "DL", "PM"), 1); test <- sample(c("z", "knha"), 1)
  rows <- if (!is.null(d$X)) d$X[c(1, length(d$yi)), , drop = FALSE]
  id <- paste("more_prediction", name, kind, method, test, sep = "_")
  p <- attempt(id, { f <- univariate(d, method, test, 95, d$X)
    if (is.null(rows)) predict(f, pi.type = kind, level = 80) else predict(f, newmods = rows[, -1, drop = FALSE], pi.type = kind, level = 80) })
  if (!is.null(p)) {
    input <- given(d, d$X); if (!is.null(rows)) input$newX <- plain(rows)
    add("prediction", id, paste("predict(rma.uni); data", name), input,
        list(op = "predict", method = method, test = test, pi_type = kind, level = 80),
        list(pred = vec(p$pred), se = vec(p$se), ci_lb = vec(p$ci.lb), ci_ub = vec(p$ci.ub), pi_lb = vec(p$pi.lb), pi_ub = vec(p$pi.ub)),
        1e-8, 1e-9 * min(1, max(d$vi)))
  }
}
for (name in c("lau1992", "few4", "far")) for (kind in c("weights", "weighted", "tau2_fixed")) {
  d <- data[[name]]; test <- sample(c("z", "knha", "t"), 1); X <- if (name != "lau1992") d$X
  value <- switch(kind, weights = vec(round(runif(length(d$yi), 0.2, 3), 3)), weighted = FALSE, tau2_fixed = 0.07)
  how <- setNames(list(if (kind == "weights") as.numeric(value) else value), if (kind == "tau2_fixed") "tau2" else kind)
  id <- paste("more", name, kind, test, sep = "_")
  f <- attempt(id, do.call(univariate, c(list(d, "DL", test, 95, X), how))); if (is.null(f)) next
  options <- list(op = "rma_uni", method = "DL", test = test); options[[kind]] <- value
  e <- fitted_values(f); if (kind == "tau2_fixed") e$se_tau2 <- NULL
  add("pooling", id, paste("rma.uni with", kind, "; data", name), given(d, X), options, e, 1e-8, 1e-9)
}

# --- two-by-two tables ---------------------------------------------------------------------------------------------
tables <- list(nielweise = with(dat.nielweise2007, data.frame(ai, bi = n1i - ai, ci, di = n2i - ci)),
               zeros = data.frame(ai = c(0, 3, 0, 12, 5), bi = c(20, 17, 15, 0, 25), ci = c(0, 0, 2, 8, 4), di = c(22, 19, 13, 4, 26)))
for (name in names(tables)) {
  t <- tables[[name]]; cells <- lapply(as.list(t), vec)
  for (measure in c("OR", "RR", "RD", "PETO")) {
    f <- attempt(measure, if (measure == "PETO") rma.peto(ai, bi, ci, di, data = t)
                          else rma.mh(ai, bi, ci, di, data = t, measure = measure)); if (is.null(f)) next
    e <- list(beta = num(f$beta), se = f$se, stat = f$zval, pval = f$pval, ci_lb = f$ci.lb, ci_ub = f$ci.ub, QE = f$QE, QEp = f$QEp)
    if (measure == "OR") e <- c(e, list(CMH = f$MH, CMHp = f$MHp))
    add("pooling", paste("more_stratified", name, measure, sep = "_"), paste0("rma.mh or rma.peto; ", name), cells,
        list(op = if (measure == "PETO") "rma_peto" else "rma_mh", measure = measure), e, 1e-9, 1e-10)
  }
  for (measure in c("OR", "RR", "RD", "PETO", "AS", "OR2DL"))
    for (how in list(list(), list(to = "all"), list(to = "if0all"), list(to = "none"), list(drop00 = TRUE), list(add = 0.25))) {
      e <- quiet(do.call(escalc, c(list(measure, ai = t$ai, bi = t$bi, ci = t$ci, di = t$di), how)))
      missing <- !is.finite(e$yi) | !is.finite(e$vi); e$yi[missing] <- NA; e$vi[missing] <- NA
      add("effect_size", paste(c("more", measure, name, names(how), unlist(how)), collapse = "_"), paste0("escalc; ", name), cells,
          c(list(op = "escalc", measure = measure), how), list(yi = vec(e$yi), vi = vec(e$vi)), 1e-10, 1e-13)
    }
}
groups <- data.frame(m1i = c(10.2, 3.1, 120, -4, 8), sd1i = c(2.1, 0.9, 30, 2, 3.3), n1i = c(8, 45, 300, 12, 3),
                     m2i = c(8.4, 3.4, 111, -7.5, 9), sd2i = c(3.3, 1.4, 22, 1.1, 2.8), n2i = c(6, 51, 280, 20, 4))
for (measure in c("MD", "SMD", "SMDH", "SMD1", "SMD1H", "ROM", "CVR", "VR", "D2ORL")) for (vtype in c("LS", "LS2", "UB", "HO", "AV", "AVHO")) {
  use <- if (measure == "CVR") groups[-4, ] else groups
  e <- tryCatch(quiet(escalc(measure, m1i = m1i, sd1i = sd1i, n1i = n1i, m2i = m2i, sd2i = sd2i, n2i = n2i, data = use, vtype = vtype)),
                error = function(e) NULL)
  if (!is.null(e)) add("effect_size", paste("more", measure, vtype, sep = "_"), "escalc", lapply(as.list(use), vec),
                       list(op = "escalc", measure = measure, vtype = vtype), list(yi = vec(e$yi), vi = vec(e$vi)), 1e-10, 1e-13)
}

# --- dependent effects -----------------------------------------------------------------------------------------------
mixed <- function(d) { o <- sample(length(d$yi)); list(yi = d$yi[o], vi = d$vi[o], X = d$X[o, , drop = FALSE], cluster = d$cluster[o]) }
dependent <- list(
  kalaian = whole(dat.kalaian1996, ~ outcome + log(hrs), "study", 22),
  assink = mixed(whole(dat.assink2016, ~ year, "study", 9)),
  knapp = within(whole(dat.knapp2017, ~ difficulty, "study", 16), yi <- yi + 500),
  craft = whole(correlations("ZCOR", dat.craft2003), ~ sport, "study", 8),
  small_unit = within(whole(dat.knapp2017, ~ difficulty, "study", 12), { yi <- yi * 1e-2; vi <- vi * 1e-4 }))
coefficients_of <- function(fit, type, cluster) {
  V <- vcovCR(fit, cluster = cluster, type = type)
  s <- coef_test(fit, vcov = V, test = "Satterthwaite"); ci <- conf_int(fit, vcov = V, level = 0.95)
  list(beta = vec(s$beta), se = vec(s$SE), t = vec(s$tstat), df = vec(s$df_Satt), pval = vec(s$p_Satt),
       p_z = vec(coef_test(fit, vcov = V, test = "z")$p_z), p_naive_t = vec(coef_test(fit, vcov = V, test = "naive-t")$p_t),
       ci_lb = vec(ci$CI_L), ci_ub = vec(ci$CI_U), vcov = plain(V))
}
for (name in names(dependent)) for (moderated in c(FALSE, TRUE)) {
  d <- dependent[[name]]; X <- if (moderated) d$X; label <- c(name, if (moderated) "mods"); unit <- mean(d$vi)
  frame <- data.frame(yi = d$yi, vi = d$vi, study = d$cluster, es = seq_along(d$yi)); frame$X <- d$X
  for (model in c("CORR", "HIER")) {
    rho <- sample(c(0.8, 0.3, 0, 1), 1); small <- sample(c(TRUE, FALSE), 1)
    if (name == "small_unit" && model == "HIER") small <- FALSE  # robumeta takes small eigenvalues for zero there
    id <- paste(c("more_robu", label, model, small, rho), collapse = "_")
    f <- attempt(id, robu(if (moderated) yi ~ X[, -1] else yi ~ 1, data = frame, studynum = study, var.eff.size = vi, modelweights = model, rho = rho, small = small))
    if (is.null(f)) next
    t <- f$reg_table
    e <- list(n_studies = f$N, n_effects = f$M, beta = vec(t$b.r), se = vec(t$SE), t = vec(t$t), df = vec(t$dfs), pval = vec(2 * pt(-abs(t$t), t$dfs)),
              ci_lb = vec(t$CI.L), ci_ub = vec(t$CI.U), tau2 = num(f$mod_info$tau.sq))
    if (model == "HIER") e$omega2 <- num(f$mod_info$omega.sq) else e$I2 <- num(f$mod_info$I.2)
    add("rve_robumeta", id, paste("robu; data", name), c(given(d, if (moderated) X else matrix(1, nrow(frame))), list(study = vec(d$cluster))),
        list(op = "robu", modelweights = model, rho = rho, small = small), e, 1e-8, 1e-11 * min(1, unit))
  }
  for (type in sample(c("CR0", "CR1", "CR1p", "CR1S", "CR2", "CR3"), 3)) {
    method <- sample(c("DL", "REML", "EE"), 1)
    id <- paste(c("more_sandwich", label, method, type), collapse = "_")
    e <- attempt(id, { fit <- univariate(d, method, X = X); coefficients_of(fit, type, d$cluster) }); if (is.null(e)) next
    add("rve_clubsandwich", id, paste("coef_test(rma.uni); data", name), c(given(d, X), list(cluster = vec(d$cluster))),
        list(op = "clubsandwich_coef", base = "rma_uni", method = method, type = type), e, 1e-7, 1e-10 * min(1, unit))
  }
  if (moderated && ncol(X) > 2) for (type in c("CR1", "CR2")) {
    C <- diag(ncol(X))[-1, , drop = FALSE]; id <- paste("more_wald", name, type, sep = "_")
    w <- attempt(id, Wald_test(univariate(d, "REML", X = X), constraints = C, vcov = type, cluster = d$cluster, test = "All")); if (is.null(w)) next
    e <- list()
    for (i in seq_len(nrow(w))) {
      key <- gsub("-", "_", w$test[i])
      e[[paste0(key, "_F")]] <- w$Fstat[i]; e[[paste0(key, "_df_num")]] <- w$df_num[i]
      e[[paste0(key, "_df_denom")]] <- if (is.finite(w$df_denom[i])) w$df_denom[i] else NA; e[[paste0(key, "_p")]] <- w$p_val[i]
    }
    add("rve_wald", id, paste("Wald_test(rma.uni); data", name), c(given(d, X), list(cluster = vec(d$cluster), C = C)),
        list(op = "wald_test", base = "rma_uni", method = "REML", type = type), e, 1e-6, 1e-10)
  }
  for (model in c("three_level", "che")) {
    rho <- sample(c(0.2, 0.5, 0.8), 1); method <- sample(c("REML", "ML"), 1); test <- sample(c("z", "t"), 1); dfs <- sample(c("residual", "contain"), 1)
    S <- diag(d$vi)
    if (model == "che") { S <- outer(d$cluster, d$cluster, "==") * rho * sqrt(outer(d$vi, d$vi)); diag(S) <- d$vi }
    design <- if (moderated) X else matrix(1, nrow(frame))
    run <- function(start) rma.mv(d$yi, S, mods = design, intercept = FALSE, random = ~ 1 | study / es, data = frame, method = method, test = test, dfs = dfs,
      control = list(optimizer = "optim", optmethod = "Nelder-Mead", reltol = 1e-15, maxit = 5000, sigma2.init = start * unit))
    id <- paste(c("more_multilevel", label, model, method, test, dfs), collapse = "_")
    fits <- Filter(Negate(is.null), lapply(list(c(1, 1), c(0.1, 5)), function(s) attempt(id, run(s)))); if (!length(fits)) next
    fit <- fits[[which.max(sapply(fits, function(f) as.numeric(logLik(f))))]]
    e <- list(k = fit$k, p = fit$p, sigma2 = vec(fit$sigma2), beta = vec(fit$beta), se = vec(fit$se), stat = vec(fit$zval), pval = vec(fit$pval),
              ci_lb = vec(fit$ci.lb), ci_ub = vec(fit$ci.ub), QE = fit$QE, QEp = fit$QEp, loglik = as.numeric(logLik(fit)))
    input <- c(given(d, X), list(study = vec(d$cluster), es = vec(frame$es)))
    options <- list(op = "rma_mv", model = model, method = method, test = test, dfs = dfs, rho = if (model == "che") rho else NA)
    add("multilevel", id, paste("rma.mv(~1|study/es), the better of two searches; data", name), input, options, e, 3e-5, 1e-6 * min(1, unit))
    type <- sample(c("CR0", "CR1", "CR2", "CR1S"), 1)
    e <- attempt(id, coefficients_of(fit, type, d$cluster)[c("beta", "se", "t", "df", "pval")]); if (is.null(e) || method != "REML") next
    add("rve_clubsandwich", sub("multilevel", paste0("sandwich_", type), id), paste("coef_test(rma.mv); data", name), c(input, list(cluster = vec(d$cluster))),
        list(op = "clubsandwich_coef", base = paste("rma_mv", model), method = method, type = type, rho = options$rho), e, 1e-4, 1e-6 * min(1, unit))
  }
}
for (how in list(c("UN", "REML", "z"), c("CS", "ML", "t"), c("DIAG", "REML", "t"))) {
  d <- subset(dat.kalaian1996, study %in% names(which(table(study) == 2)))
  V <- outer(d$study, d$study, "==") * 0.66 * sqrt(outer(d$vi, d$vi)); diag(V) <- d$vi
  X <- model.matrix(~ outcome - 1, d); id <- paste("more_outcomes", how[1], how[2], how[3], sep = "_")
  fit <- attempt(id, rma.mv(yi, V, mods = ~ outcome - 1, random = ~ outcome | study, struct = how[1], data = d, method = how[2], test = how[3],
                            control = list(optimizer = "optim", optmethod = "Nelder-Mead", reltol = 1e-15, maxit = 10000)))
  if (is.null(fit)) next
  e <- list(tau2 = if (how[1] == "CS") fit$tau2 else vec(fit$tau2), beta = vec(fit$beta), se = vec(fit$se), pval = vec(fit$pval), QE = fit$QE, loglik = as.numeric(logLik(fit)))
  if (how[1] != "DIAG") e$rho <- fit$rho
  add("multilevel", id, "rma.mv(~outcome|study); data dat.kalaian1996", list(yi = vec(d$yi), V = V, trial = vec(d$study), outcome = vec(as.character(d$outcome)), X = plain(X)),
      list(op = "rma_mv", model = how[1], method = how[2], test = how[3]), e, 1e-4, 1e-6)
}

# --- bias and influence ------------------------------------------------------------------------------------------------
for (name in c("lau1992", "cohen1981", "gibson2002", "few4", "tiny", "wide", "alike", "vast")) {
  d <- data[[name]]; k <- length(d$yi); atol <- 1e-9 * min(1, max(d$vi)); input <- given(d)
  model <- sample(c("lm", "rma"), 1); predictor <- sample(c("sei", "vi"), 1); test <- if (model == "lm") "z" else sample(c("z", "knha"), 1)
  id <- paste("more_regtest", name, model, predictor, test, sep = "_")
  f <- attempt(id, regtest(univariate(d, "DL", test), model = model, predictor = predictor))
  if (!is.null(f)) add("bias", id, paste("regtest; data", name), input, list(op = "regtest", model = model, predictor = predictor, method = "DL", test = test),
    list(stat = f$zval, pval = f$pval, df = num(f$dfs), limit_est = num(f$est), limit_ci_lb = num(f$ci.lb), limit_ci_ub = num(f$ci.ub)), 1e-7, atol)
  f <- quiet(ranktest(d$yi, d$vi))
  add("bias", paste0("more_ranktest_", name), paste("ranktest; data", name), input, list(op = "ranktest", exact = TRUE), list(tau = num(f$tau), pval = num(f$pval)), 1e-9, 1e-10)
  for (estimator in c("L0", "R0", "Q0")) {
    side <- sample(list(NULL, "left", "right"), 1)[[1]]; method <- sample(c("EE", "DL"), 1)
    id <- paste(c("more_trimfill", name, estimator, side, method), collapse = "_")
    f <- attempt(id, trimfill(univariate(d, method), estimator = estimator, side = side)); if (is.null(f)) next
    add("bias", id, paste("trimfill; data", name), input, list(op = "trimfill", estimator = estimator, side = if (is.null(side)) NA else side, method = method),
        list(k0 = f$k0, se_k0 = num(f$se.k0), side = f$side, beta = num(f$beta), se = f$se, ci_lb = f$ci.lb, ci_ub = f$ci.ub, tau2 = f$tau2, QE = f$QE), 1e-7, atol)
  }
  for (type in c("Rosenthal", "Orwin", "Rosenberg")) {
    f <- attempt(name, fsn(d$yi, d$vi, type = type, alpha = 0.01)); if (is.null(f)) next
    add("bias", paste("more_fsn", name, type, sep = "_"), paste("fsn; data", name), input, list(op = "fsn", type = type, alpha = 0.01, target = NA, weighted = FALSE),
        list(fsnum = f$fsnum, pval = num(f$pval), meanes = num(f$meanes), target = num(f$target)), 1e-9, atol)
  }
  for (method in c("REML", sample(c("PM", "ML", "DL", "EE"), 1))) {
    test <- sample(c("z", "knha", "t"), 1); id <- paste(name, method, test, sep = "_")
    left <- attempt(id, lapply(seq_len(k), function(i) univariate(list(yi = d$yi[-i], vi = d$vi[-i]), method, test)))
    column <- function(fits, n) vec(sapply(fits, function(f) num(f[[n]])))
    of_each <- function(fits) list(estimate = column(fits, "beta"), se = column(fits, "se"), stat = column(fits, "zval"), pval = column(fits, "pval"),
      ci_lb = column(fits, "ci.lb"), ci_ub = column(fits, "ci.ub"), Q = column(fits, "QE"), tau2 = column(fits, "tau2"), I2 = column(fits, "I2"), H2 = column(fits, "H2"))
    if (!is.null(left)) add("influence", paste0("more_without_each_", id), paste("refits without each effect; data", name), input,
      list(op = "leave1out", method = method, test = test), of_each(left), 1e-7, 10 * atol)
    key <- sample(1:7, k, TRUE); o <- order(key)
    steps <- attempt(id, lapply(seq_len(k), function(i) univariate(list(yi = d$yi[o[1:i]], vi = d$vi[o[1:i]]), method, test)))
    if (!is.null(steps)) add("influence", paste0("more_adding_up_", id), paste("refits of the first effects; data", name), c(input, list(order_key = vec(key))),
      list(op = "cumul", method = method, test = test), c(list(order = vec(o)), of_each(steps)), 1e-7, 10 * atol)
    if (method != "EE" && k > 4) {
      f <- attempt(id, { f <- univariate(d, method, test); f$inf <- influence(f); f$b <- { pdf(NULL); b <- baujat(f); dev.off(); b }; f }); if (is.null(f)) next
      i <- f$inf$inf; s <- rstandard(f)
      add("influence", paste0("more_influence_", id), paste("influence; data", name), input, list(op = "influence", method = method, test = test),
          list(rstudent = vec(i$rstudent), dffits = vec(i$dffits), cook_d = vec(i$cook.d), cov_r = vec(i$cov.r), tau2_del = vec(i$tau2.del), hat = vec(i$hat),
               is_infl = vec(f$inf$is.infl), rstandard_z = vec(s$z)), 1e-5, 1e-7 * min(1, max(d$vi)))
      add("influence", paste0("more_baujat_", id), paste("baujat; data", name), input, list(op = "baujat", method = method, test = test), list(x = vec(f$b$x), y = vec(f$b$y)), 1e-5, 1e-7)
    }
  }
}
for (how in list(list("lau1992", "less", 0.025), list("curtis1998", "greater", c(0.025, 0.5)), list("molloy2014", "greater", 0.05))) {
  d <- data[[how[[1]]]]; id <- paste0("more_selection_", how[[1]])
  s <- attempt(id, selmodel(univariate(d, "ML"), type = "stepfun", steps = how[[3]], alternative = how[[2]], control = list(optimizer = "nlminb")))
  if (!is.null(s)) add("bias", id, paste("selmodel(type='stepfun'); data", how[[1]]), given(d), list(op = "selmodel_stepfun", steps = vec(how[[3]]), alternative = how[[2]], method = "ML"),
    list(beta = vec(s$beta), se = vec(s$se), tau2 = s$tau2, delta = vec(s$delta), loglik = as.numeric(logLik(s)), LRT = s$LRT, LRT_df = s$LRTdf, LRT_p = s$LRTp), 1e-4, 1e-6, list(se = 1e-2))
}
for (area in names(cases))
  write(toJSON(cases[[area]], auto_unbox = TRUE, digits = NA, na = "null", null = "null"), file.path(folder, paste0(area, ".json")))
cat(sum(lengths(cases)), "cases\n")
