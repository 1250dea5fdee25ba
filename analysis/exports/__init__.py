"""A review as one workbook: what the person who asks may see, and nothing else."""

from analysis.exports.workbook import workbook_of

__all__ = ["workbook_of"]
