select id, label, cast(coalesce(dose, 0) as numeric(10, 2)) as dose, seen from {{ ref('studies') }}
