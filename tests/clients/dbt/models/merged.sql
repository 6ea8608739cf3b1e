{{ config(materialized='incremental', incremental_strategy='merge', unique_key='id', on_schema_change='append_new_columns') }}
select id, {{ "'later'" if is_incremental() else "'first'" }} as label {% if is_incremental() %}, 1 as more {% endif %} from {{ ref('studies') }}
