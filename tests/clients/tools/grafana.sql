-- version
SELECT current_setting('server_version_num')::int/100 as version;
-- TimescaleDB
SELECT extversion FROM pg_extension WHERE extname = 'timescaledb';
-- schemas
-- about: trial
SELECT schema_name AS "name" FROM information_schema.schemata
WHERE schema_name NOT IN ('information_schema', 'pg_catalog', 'pg_toast', '_timescaledb_cache', '_timescaledb_catalog') ORDER BY schema_name;
-- tables of a schema
SELECT quote_ident(table_name) AS "table" FROM information_schema.tables WHERE quote_ident(table_schema) = 'trial' ORDER BY 1;
-- tables
-- about: trial
SELECT
  CASE WHEN quote_ident(table_schema) IN (
      SELECT CASE WHEN trim(s[i]) = '"$user"' THEN user ELSE trim(s[i]) END
      FROM generate_series(array_lower(string_to_array(current_setting('search_path'),','),1), array_upper(string_to_array(current_setting('search_path'),','),1)) as i,
        string_to_array(current_setting('search_path'),',') s)
    THEN quote_ident(table_name) ELSE quote_ident(table_schema) || '.' || quote_ident(table_name) END AS "table"
FROM information_schema.tables
WHERE quote_ident(table_schema) NOT IN ('information_schema', 'pg_catalog', '_timescaledb_cache', '_timescaledb_catalog')
ORDER BY CASE WHEN quote_ident(table_schema) IN (
      SELECT CASE WHEN trim(s[i]) = '"$user"' THEN user ELSE trim(s[i]) END
      FROM generate_series(array_lower(string_to_array(current_setting('search_path'),','),1), array_upper(string_to_array(current_setting('search_path'),','),1)) as i,
        string_to_array(current_setting('search_path'),',') s)
    THEN 0 ELSE 1 END, 1;
-- columns
SELECT quote_ident(column_name) AS "column", data_type AS "type" FROM information_schema.columns
WHERE CASE WHEN array_length(parse_ident('trial.study'),1) = 2
    THEN quote_ident(table_schema) = (parse_ident('trial.study'))[1] AND quote_ident(table_name) = (parse_ident('trial.study'))[2]
    ELSE quote_ident(table_name) = 'trial.study' END;
-- columns of a table in the search path
SELECT quote_ident(column_name) AS "column", data_type AS "type" FROM information_schema.columns
WHERE CASE WHEN array_length(parse_ident('site'),1) = 2
    THEN quote_ident(table_schema) = (parse_ident('site'))[1] AND quote_ident(table_name) = (parse_ident('site'))[2]
    ELSE quote_ident(table_name) = 'site' AND quote_ident(table_schema) IN (
      SELECT CASE WHEN trim(s[i]) = '"$user"' THEN user ELSE trim(s[i]) END
      FROM generate_series(array_lower(string_to_array(current_setting('search_path'),','),1), array_upper(string_to_array(current_setting('search_path'),','),1)) as i,
        string_to_array(current_setting('search_path'),',') s) END;
-- time column of macro __timeGroup
SELECT floor(extract(epoch from "seen")/300)*300 AS "time", avg("dose") AS "value" FROM trial.study
WHERE "seen" BETWEEN '2024-01-01T00:00:00Z' AND '2024-12-31T00:00:00Z' GROUP BY 1 ORDER BY 1;
-- epoch of macro __timeEpoch
SELECT extract(epoch from "seen") as "time", id::float8 AS value FROM trial.study ORDER BY 2;
