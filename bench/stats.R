# Times of metafor, robumeta and clubSandwich on the benchmark's data, in one process per size.
# usage: Rscript bench/stats.R <csv> <seconds per task> <task> ...  ->  lines "task,median seconds,repetitions,estimate,se"
suppressMessages({library(metafor); library(clubSandwich); library(robumeta)})
arguments <- commandArgs(TRUE)
d <- read.csv(arguments[1]); d$g <- factor(d$g)
budget <- as.numeric(arguments[2]); tasks <- arguments[-(1:2)]
quiet <- function(e) suppressWarnings(suppressMessages(e))
blas <- sessionInfo()$BLAS
cat("# BLAS", paste0(basename(dirname(blas)), "/", basename(blas)), "\n")
cat("# R", as.character(getRversion()), "metafor", as.character(packageVersion("metafor")),
    "robumeta", as.character(packageVersion("robumeta")),
    "clubSandwich", as.character(packageVersion("clubSandwich")), "\n")

V <- NULL
if (any(c("che", "cr2_che") %in% tasks))
  V <- impute_covariance_matrix(d$v, d$study, r = .8, return_list = FALSE)
fits <- list(
  univariate = if (any(c("cr2_univariate", "leave_one_out") %in% tasks)) quiet(rma.uni(y, v, data = d)),
  che = if ("cr2_che" %in% tasks) quiet(rma.mv(y, V, random = ~ 1 | study/es, data = d, sparse = TRUE)))
calls <- list(
  reml            = function() rma.uni(y, v, data = d, method = "REML"),
  reml_moderators = function() rma.uni(y, v, mods = ~ x + g, data = d, method = "REML", test = "knha"),
  robu            = function() robu(y ~ 1, data = d, studynum = study, var.eff.size = v, rho = .8, small = TRUE),
  robu_moderators = function() robu(y ~ x + g, data = d, studynum = study, var.eff.size = v, rho = .8, small = TRUE),
  cr2_univariate  = function() coef_test(fits$univariate, vcov = "CR2", cluster = d$study),
  cr2_che         = function() coef_test(fits$che, vcov = "CR2", cluster = d$study),
  leave_one_out   = function() leave1out(fits$univariate),
  three_level     = function() rma.mv(y, v, random = ~ 1 | study/es, data = d, sparse = TRUE),
  che             = function() rma.mv(y, V, random = ~ 1 | study/es, data = d, sparse = TRUE))
first <- function(fit) {
  if (inherits(fit, "robu")) return(c(fit$reg_table$b.r[1], fit$reg_table$SE[1]))
  if (inherits(fit, "coef_test_clubSandwich")) return(c(fit$beta[1], fit$SE[1]))
  if (inherits(fit, "list.rma")) return(c(fit$estimate[1], fit$se[1]))
  c(fit$beta[1], fit$se[1])
}
for (task in tasks) {
  f <- calls[[task]]
  timed <- function() { t0 <- Sys.time(); out <<- quiet(f()); as.numeric(Sys.time() - t0, units = "secs") }
  warm <- timed()
  n <- max(3, min(200, ceiling(budget / warm)))
  times <- replicate(n, timed())
  cat(sprintf("%s,%.9f,%d,%.12g,%.12g\n", task, median(times), n, first(out)[1], first(out)[2]))
}
