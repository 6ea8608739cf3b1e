-- view: One row per segment: what imaging.segments says of it, and the image around it with its mask. Files are read only if roi or roi_reason is asked for, and only for rows that are left of all other conditions
-- roi: The image cropped to the segment's box and radlake.roi_margin voxels (1) around it: voxels (float4, columns first, in the modality's units), mask (a byte per voxel, 1 inside), size, spacing, origin, direction, modality, units, margin (NULL: all of the image)
-- roi_reason: Why there is no roi
SELECT * FROM radlake_regions()
