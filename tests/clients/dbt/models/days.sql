{{ config(materialized='table', indexes=[{'columns': ['day'], 'unique': true}]) }}
select cast(seen as date) as day, count(*) as n, sum(dose) as dose from {{ ref('doses') }} group by 1
