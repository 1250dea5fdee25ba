"""Spreadsheets in and out. What is uploaded is read by a limited child process and never reaches this one as a file."""
