-- view: The documented functions
-- name: Name to call it by
-- kind: scalar, aggregate or window
-- syntax: How it is called
-- description: What it does
-- arguments: Its arguments, one per line
-- example: A statement that uses it
SELECT name, kind, syntax, description, arguments, example FROM radlake_functions()
