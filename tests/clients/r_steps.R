# What R users do through DBI: frames out and in, statements, transactions, errors. Prints each answer, so that two servers can be compared.
# Arguments: host, port, user, password, database.

suppressMessages(library(RPostgreSQL))
args <- commandArgs(trailingOnly = TRUE)
db <- dbConnect(PostgreSQL(), host = args[1], port = as.integer(args[2]), user = args[3], password = args[4], dbname = args[5])
options(digits = 15, width = 200)

said <- function(what, value) {
  cat("##", what, "\n")
  print(value)
}
tried <- function(what, statement) {
  message <- tryCatch({ dbGetQuery(db, statement); "no error" }, error = function(e) conditionMessage(e), warning = function(w) conditionMessage(w))
  # What follows is each server's own: hints and places.
  said(what, sub("\n.*", "", sub(".*ERROR: *", "", message)))
}

dbSendQuery(db, "CREATE SCHEMA r")
dbSendQuery(db, "SET search_path = r")
dbSendQuery(db, "CREATE TABLE patient (id int PRIMARY KEY, name text NOT NULL, born date, weight numeric(5,2), seen timestamp, score float8, alive boolean)")
dbSendQuery(db, "INSERT INTO patient VALUES (1, 'Ada', '1950-02-03', 61.5, '2024-01-02 03:04:05', 0.25, true), (2, 'naïve ü', NULL, NULL, NULL, NULL, false)")
said("tables", setdiff(dbListTables(db), c("instances", "series", "files", "sources", "segments", "measurements")))
said("exists", c(dbExistsTable(db, c("r", "patient")), dbExistsTable(db, c("r", "nothing"))))
said("fields", dbListFields(db, c("r", "patient")))
frame <- dbGetQuery(db, "SELECT * FROM patient ORDER BY id")
said("frame", frame)
said("classes", sapply(frame, function(column) class(column)[1]))
said("whole table", dbReadTable(db, c("r", "patient")))
said("parameters", dbGetQuery(db, "SELECT id, name FROM patient WHERE id = $1 AND name <> $2", c(1, "x")))
said("types", dbColumnInfo(dbSendQuery(db, "SELECT id, name, weight, seen, score, alive FROM patient"))[, c("name", "Sclass", "type", "len", "nullOK")])

rows <- data.frame(id = 1:1000, x = (1:1000) / 8, label = paste0("l", 1:1000), stringsAsFactors = FALSE)
said("written", dbWriteTable(db, c("r", "measured"), rows, row.names = FALSE))
said("appended", dbWriteTable(db, c("r", "measured"), rows[1:10, ], append = TRUE, row.names = FALSE))
said("summed", dbGetQuery(db, "SELECT count(*) AS n, sum(x) AS total, min(label) AS least FROM measured"))
said("overwritten", dbWriteTable(db, c("r", "measured"), rows[1:3, ], overwrite = TRUE, row.names = FALSE))
said("read again", dbReadTable(db, c("r", "measured")))

pieces <- dbSendQuery(db, "SELECT id FROM generate_series(1, 25) g(id)")
said("pieces", sapply(1:3, function(i) nrow(fetch(pieces, n = 10))))
said("complete", dbHasCompleted(pieces))
dbClearResult(pieces)

dbBegin(db)
dbSendQuery(db, "DELETE FROM patient")
said("within", dbGetQuery(db, "SELECT count(*) AS n FROM patient"))
dbRollback(db)
said("after", dbGetQuery(db, "SELECT count(*) AS n FROM patient"))
dbBegin(db)
dbSendQuery(db, "UPDATE patient SET weight = 70 WHERE id = 2")
dbCommit(db)
said("changed", dbGetQuery(db, "SELECT weight FROM patient ORDER BY id"))

tried("no table", "SELECT * FROM nothing")
tried("key", "INSERT INTO patient (id, name) VALUES (1, 'again')")
tried("syntax", "SELEC 1")
said("still there", dbGetQuery(db, "SELECT 1 AS one"))
said("removed", dbRemoveTable(db, c("r", "measured")))
said("quoted", dbQuoteIdentifier(db, "Odd Name"))
dbSendQuery(db, "DROP SCHEMA r CASCADE")
invisible(dbDisconnect(db))
