-- view: One row per series: what imaging.series says of it, and its voxels in the patient. Files are read only if volume or volume_reason is asked for, and only for rows that are left of all other conditions
-- volume: Its slices as one grid: voxels (float4, columns first, then rows, then slices along the normal; in the modality's units), size, spacing, origin, direction, modality, units
-- volume_reason: Why there is no volume
SELECT * FROM radlake_volumes()
