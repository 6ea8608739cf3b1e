{{ config(materialized='ephemeral') }}
select id from {{ ref('studies') }} where dose is not null
