select b.id, d.label from {{ ref('brief') }} b join {{ ref('doses') }} d using (id)
