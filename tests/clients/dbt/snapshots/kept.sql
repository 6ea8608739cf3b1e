{% snapshot kept %}
{{ config(target_schema=target.schema, unique_key='id', strategy='check', check_cols=['label', 'dose']) }}
select id, label, dose from {{ ref('studies') }}
{% endsnapshot %}
