//! psql 15's own queries and those of drivers, each answered as a PostgreSQL 15 with the same objects answers it.

mod clients;
mod fixture;
mod lakehouse;
mod psql;
mod queries;
