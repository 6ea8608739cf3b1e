-- view: IDC: one row per series of CT, MR and PET Image Storage without localizers and projections, and whether its images form a volume; of imaging.instances. imaging.series says it in numbers, of Enhanced images too
-- seriesinstanceuid: SeriesInstanceUID (0020,000E)
-- single_orientation: Whether all images have one ImageOrientationPatient (0020,0037), to the digit
-- orthogonal_orientation: Whether rows and columns are at right angles in all images (length of their cross product within 0.01 of 1)
-- unique_slice_positions: Whether each image has a position of its own along the normal
-- consistent_in_plane_row: Whether no image is shifted along the rows by 0.1 mm or more
-- consistent_in_plane_col: Whether no image is shifted along the columns by 0.1 mm or more
-- consistent_pixel_spacing: Whether all images have one PixelSpacing (0028,0030)
-- consistent_image_dimensions: Whether all images have the same Rows and Columns
-- uniform_slice_spacing: Whether each distance of neighbouring images is within 1 % of the mean; NULL of a single image
-- obliquity_degrees: Angle between the normal and the nearest axis of the patient, degrees; the greatest of all images
-- regularly_spaced_3d_volume: Whether all of this is so; imaging.series.is_volume is stricter
SELECT
  series_instance_uid AS SeriesInstanceUID,
  single_orientation,
  orthogonal_orientation,
  unique_slice_positions,
  consistent_in_plane_row,
  consistent_in_plane_col,
  consistent_pixel_spacing,
  consistent_image_dimensions,
  uniform_slice_spacing,
  obliquity_degrees,
  single_orientation AND orthogonal_orientation AND unique_slice_positions AND consistent_in_plane_row AND consistent_in_plane_col
    AND consistent_pixel_spacing AND consistent_image_dimensions AND uniform_slice_spacing AS regularly_spaced_3d_volume
FROM (
  SELECT
    series_instance_uid,
    count(DISTINCT orientation) = 1 AS single_orientation,
    min(length) BETWEEN 0.99 AND 1.01 AND max(length) BETWEEN 0.99 AND 1.01 AS orthogonal_orientation,
    count(*) = count(DISTINCT place) AS unique_slice_positions,
    max(along_row) - min(along_row) < 0.1 AS consistent_in_plane_row,
    max(along_col) - min(along_col) < 0.1 AS consistent_in_plane_col,
    count(DISTINCT spacing) = 1 AS consistent_pixel_spacing,
    count(DISTINCT rows) = 1 AND count(DISTINCT columns) = 1 AS consistent_image_dimensions,
    max(abs(distance - mean)) < 0.01 * max(abs(mean)) AS uniform_slice_spacing,
    round(max(tilt)::numeric, 2)::float8 AS obliquity_degrees
  FROM (
    SELECT
      *,
      lead(place) OVER (PARTITION BY series_instance_uid ORDER BY place) - place AS distance,
      (max(place) OVER s - min(place) OVER s) / nullif(count(*) OVER s - 1, 0) AS mean
    FROM (
      SELECT
        series_instance_uid, orientation, spacing, rows, columns,
        sqrt(nx * nx + ny * ny + nz * nz) AS length,
        degrees(acos(least(1.0, greatest(abs(nx), abs(ny), abs(nz)) / nullif(sqrt(nx * nx + ny * ny + nz * nz), 0)))) AS tilt,
        x * nx + y * ny + z * nz AS place,
        x * rx + y * ry + z * rz AS along_row,
        x * cx + y * cy + z * cz AS along_col
      FROM (
        SELECT
          *,
          ry * cz - rz * cy AS nx,
          rz * cx - rx * cz AS ny,
          rx * cy - ry * cx AS nz
        FROM (
          SELECT
            series_instance_uid, rows, columns,
            image_orientation_patient::text AS orientation,
            pixel_spacing::text AS spacing,
            image_position_patient[1] AS x, image_position_patient[2] AS y, image_position_patient[3] AS z,
            image_orientation_patient[1] AS rx, image_orientation_patient[2] AS ry, image_orientation_patient[3] AS rz,
            image_orientation_patient[4] AS cx, image_orientation_patient[5] AS cy, image_orientation_patient[6] AS cz,
            max(CASE WHEN 'LOCALIZER' = ANY (image_type) OR array_to_string(image_type, '/') LIKE '%MIP%' THEN 1 ELSE 0 END) OVER (PARTITION BY series_instance_uid) AS not_acquired
          FROM imaging.instances
          WHERE sop_class_uid IN ('1.2.840.10008.5.1.4.1.1.2', '1.2.840.10008.5.1.4.1.1.4', '1.2.840.10008.5.1.4.1.1.128')
        ) AS cosines
        WHERE not_acquired = 0
      ) AS normals
    ) AS places
    WINDOW s AS (PARTITION BY series_instance_uid)
  ) AS neighbours
  GROUP BY series_instance_uid
) AS checks
