{{ config(materialized='incremental', unique_key='id') }}
select id, label, dose, seen from {{ ref('doses') }}
{% if is_incremental() %} where seen > (select max(seen) - interval '1 day' from {{ this }}) {% endif %}
