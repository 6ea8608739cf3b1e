-- view: IDC: one row per series of CT Image Storage; Enhanced CT is not in it, as in IDC; of imaging.instances
-- seriesinstanceuid: SeriesInstanceUID (0020,000E)
-- imagetype: ImageType (0008,0008), of the first instance that has it
-- pixelspacing_row_mm: Distance of rows, mm: first value of PixelSpacing (0028,0030), of the first instance that has it
-- pixelspacing_col_mm: Distance of columns, mm: second value of PixelSpacing (0028,0030), of the first instance that has it
-- rows: Rows (0028,0010), of the first instance that has it
-- columns: Columns (0028,0011), of the first instance that has it
-- slicethickness: SliceThickness (0018,0050), mm, of the first instance that has it
-- kvp: KVP (0018,0060), kV, of the first instance that has it
-- scanoptions: ScanOptions (0018,0022), of the first instance that has it
-- convolutionkernel: ConvolutionKernel (0018,1210), of the first instance that has it
-- gantrydetectortilt: GantryDetectorTilt (0018,1120), degrees, of the first instance that has it
-- xraytubecurrent_min: Least XRayTubeCurrent (0018,1151), mA
-- xraytubecurrent_max: Greatest XRayTubeCurrent (0018,1151), mA
-- filtertype: FilterType (0018,1160), of the first instance that has it
-- exposure_min: Least Exposure (0018,1152), mAs
-- exposure_max: Greatest Exposure (0018,1152), mAs
-- exposuretime_min: Least ExposureTime (0018,1150), ms
-- exposuretime_max: Greatest ExposureTime (0018,1150), ms
-- datacollectiondiameter: DataCollectionDiameter (0018,0090), mm, of the first instance that has it
-- reconstructiondiameter: ReconstructionDiameter (0018,1100), mm, of the first instance that has it
-- spiralpitchfactor: SpiralPitchFactor (0018,9311), of the first instance that has it
SELECT
  series_instance_uid AS SeriesInstanceUID,
  first_value(image_type ORDER BY instance_number, sop_instance_uid) FILTER (WHERE image_type IS NOT NULL) AS ImageType,
  first_value(pixel_spacing[1] ORDER BY instance_number, sop_instance_uid) FILTER (WHERE pixel_spacing[1] IS NOT NULL) AS PixelSpacing_row_mm,
  first_value(pixel_spacing[2] ORDER BY instance_number, sop_instance_uid) FILTER (WHERE pixel_spacing[2] IS NOT NULL) AS PixelSpacing_col_mm,
  first_value(rows ORDER BY instance_number, sop_instance_uid) FILTER (WHERE rows IS NOT NULL) AS Rows,
  first_value(columns ORDER BY instance_number, sop_instance_uid) FILTER (WHERE columns IS NOT NULL) AS Columns,
  first_value(slice_thickness ORDER BY instance_number, sop_instance_uid) FILTER (WHERE slice_thickness IS NOT NULL) AS SliceThickness,
  first_value(kvp ORDER BY instance_number, sop_instance_uid) FILTER (WHERE kvp IS NOT NULL) AS KVP,
  first_value(scan_options ORDER BY instance_number, sop_instance_uid) FILTER (WHERE scan_options IS NOT NULL) AS ScanOptions,
  first_value(convolution_kernel ORDER BY instance_number, sop_instance_uid) FILTER (WHERE convolution_kernel IS NOT NULL) AS ConvolutionKernel,
  first_value(gantry_detector_tilt ORDER BY instance_number, sop_instance_uid) FILTER (WHERE gantry_detector_tilt IS NOT NULL) AS GantryDetectorTilt,
  min(x_ray_tube_current)::float8 AS XRayTubeCurrent_min,
  max(x_ray_tube_current)::float8 AS XRayTubeCurrent_max,
  first_value(filter_type ORDER BY instance_number, sop_instance_uid) FILTER (WHERE filter_type IS NOT NULL) AS FilterType,
  min(exposure)::float8 AS Exposure_min,
  max(exposure)::float8 AS Exposure_max,
  min(exposure_time)::float8 AS ExposureTime_min,
  max(exposure_time)::float8 AS ExposureTime_max,
  first_value(data_collection_diameter ORDER BY instance_number, sop_instance_uid) FILTER (WHERE data_collection_diameter IS NOT NULL) AS DataCollectionDiameter,
  first_value(reconstruction_diameter ORDER BY instance_number, sop_instance_uid) FILTER (WHERE reconstruction_diameter IS NOT NULL) AS ReconstructionDiameter,
  first_value(spiral_pitch_factor ORDER BY instance_number, sop_instance_uid) FILTER (WHERE spiral_pitch_factor IS NOT NULL) AS SpiralPitchFactor
FROM imaging.instances
WHERE sop_class_uid = '1.2.840.10008.5.1.4.1.1.2'
GROUP BY series_instance_uid
