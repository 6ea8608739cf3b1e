#!/usr/bin/env bash
# Writes facts/: the rows that are the same in every PostgreSQL 15, one file per relation.
#
#   facts.sh CONNECTION          for example: facts.sh 'host=/tmp port=5432 dbname=template0 user=postgres'
#
# The server is a PostgreSQL 15 as `initdb --locale=C --encoding=UTF8 --username=postgres` makes it; template0 has to be opened
# first (ALTER DATABASE template0 ALLOW_CONNECTIONS true), template1 does as well if nothing was put into it.
#
# The files are COPY's text format: a line with the columns' names, then one line per row, tabs between, \N for NULL. Columns of
# type regproc are OIDs, so that no name has to be looked up. Rows are sorted by OID: a second run writes the same bytes.
#
# Left out:
# - columns that are NULL in every row, which a reader takes for granted;
# - what a cluster has beside PostgreSQL itself: PL/pgSQL, the functions of information_schema, and the collations of the machine's
#   C library with their versions (those of ICU stay, and so does Snowball's text search: every server has them).
set -euo pipefail
export LC_ALL=C PGOPTIONS='-c client_min_messages=warning' PGCLIENTENCODING=UTF8

connection=${1:?usage: facts.sh CONNECTION}
facts=$(dirname "$0")/facts

ask() { psql --no-psqlrc --quiet --tuples-only --no-align --set=ON_ERROR_STOP=1 --command="$1" "$connection"; }

version=$(ask 'SHOW server_version_num')
if ((version < 150000 || version >= 160000)); then
    echo "this server is version $version, not PostgreSQL 15" >&2
    exit 1
fi

# Objects made by initdb have OIDs from here on (FirstUnpinnedObjectId).
unpinned=12000
snowball="oid IN (SELECT unnest(ARRAY[tmplinit, tmpllexize])::oid FROM pg_ts_template)"
collations="collprovider <> 'c' OR oid < $unpinned OR collname = 'ucs_basic'"

# The columns of a relation that have values, as COPY is to write them.
columns() {
    local names name list=
    names=$(ask "SELECT attname FROM pg_attribute
        WHERE attrelid = 'pg_catalog.$1'::regclass AND attnum > 0 AND attname <> 'collversion' ORDER BY attnum")
    for name in $names; do
        [[ $(ask "SELECT count($name) FROM pg_catalog.$1 WHERE $2") != 0 ]] || continue
        list+=", $(ask "SELECT CASE atttypid WHEN 'regproc'::regtype THEN '$name::oid AS $name' ELSE '$name' END
            FROM pg_attribute WHERE attrelid = 'pg_catalog.$1'::regclass AND attname = '$name'")"
    done
    echo "${list#, }"
}

# dump RELATION CONDITION KEY
dump() {
    ask "COPY (SELECT $(columns "$1" "$2") FROM pg_catalog.$1 WHERE $2 ORDER BY $3) TO STDOUT (HEADER)" >"$facts/$1.tsv"
}

mkdir -p "$facts"
for relation in pg_am pg_amop pg_amproc pg_cast pg_conversion pg_opclass pg_operator pg_opfamily pg_tablespace \
    pg_ts_config pg_ts_dict pg_ts_parser pg_ts_template; do
    dump "$relation" true oid
done
dump pg_aggregate true aggfnoid::oid
dump pg_collation "$collations" oid
dump pg_language "oid < $unpinned" oid
dump pg_proc "oid < $unpinned OR $snowball" oid
dump pg_range true rngtypid
# Comments on what the other files have.
dump pg_description "objoid < $unpinned
    OR classoid IN ('pg_ts_config'::regclass, 'pg_ts_dict'::regclass, 'pg_ts_template'::regclass)
    OR classoid = 'pg_collation'::regclass AND objoid IN (SELECT oid FROM pg_collation WHERE $collations)" \
    'objoid, classoid, objsubid'
ask 'COPY (SELECT * FROM pg_catalog.pg_get_keywords() ORDER BY word) TO STDOUT (HEADER)' >"$facts/pg_get_keywords.tsv"
