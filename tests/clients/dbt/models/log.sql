{{ config(materialized='incremental', incremental_strategy='append') }}
select id, {{ 2 if is_incremental() else 1 }} as run from {{ ref('studies') }}
