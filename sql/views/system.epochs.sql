-- view: The lake's commits, newest first; SET radlake.epoch = n reads the lake as it was at one
-- epoch: Number of the epoch
-- committed_at: When it was committed
-- role: Role that committed it
-- statement: Kind of statement
-- tables: Tables that it changed
-- rows_in: Rows written
-- rows_out: Rows of the files that were taken out
-- aborted: Why it changed nothing, if it was taken back
SELECT epoch, committed_at, role, statement, tables, rows_in, rows_out, aborted FROM radlake_epochs()
