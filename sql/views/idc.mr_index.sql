-- view: IDC: one row per series of MR Image Storage; Enhanced MR is not in it, as in IDC; of imaging.instances
-- seriesinstanceuid: SeriesInstanceUID (0020,000E)
-- magneticfieldstrength: MagneticFieldStrength (0018,0087), T, of the first instance that has it
-- scanningsequence: ScanningSequence (0018,0020), of the first instance that has it
-- sequencevariant: SequenceVariant (0018,0021), of the first instance that has it
-- mracquisitiontype: MRAcquisitionType (0018,0023), of the first instance that has it
-- echotime: The different values of EchoTime (0018,0081), ms, sorted; NULL if there is none
-- repetitiontime: RepetitionTime (0018,0080), ms, of the first instance that has it
-- echotrainlength: EchoTrainLength (0018,0091), of the first instance that has it
-- flipangle: FlipAngle (0018,1314), degrees, of the first instance that has it
-- pixelbandwidth: PixelBandwidth (0018,0095), Hz/pixel, of the first instance that has it
-- imagingfrequency: ImagingFrequency (0018,0084), MHz, of the first instance that has it
-- imagednucleus: ImagedNucleus (0018,0085), of the first instance that has it
-- pixelspacing_row_mm: Distance of rows, mm: first value of PixelSpacing (0028,0030), of the first instance that has it
-- pixelspacing_col_mm: Distance of columns, mm: second value of PixelSpacing (0028,0030), of the first instance that has it
-- rows: Rows (0028,0010), of the first instance that has it
-- columns: Columns (0028,0011), of the first instance that has it
-- slicethickness: SliceThickness (0018,0050), mm, of the first instance that has it
-- inversiontime: InversionTime (0018,0082), ms, of the first instance that has it
-- receivecoilname: ReceiveCoilName (0018,1250), of the first instance that has it
-- sequencename: SequenceName (0018,0024), of the first instance that has it
-- diffusionbvalue: The different values of DiffusionBValue (0018,9087), s/mm2; not of private elements, as in IDC, sorted; NULL if there is none
-- numberoftemporalpositions: NumberOfTemporalPositions (0020,0105), of the first instance that has it
SELECT
  series_instance_uid AS SeriesInstanceUID,
  first_value(magnetic_field_strength ORDER BY instance_number, sop_instance_uid) FILTER (WHERE magnetic_field_strength IS NOT NULL) AS MagneticFieldStrength,
  first_value(scanning_sequence ORDER BY instance_number, sop_instance_uid) FILTER (WHERE scanning_sequence IS NOT NULL) AS ScanningSequence,
  first_value(sequence_variant ORDER BY instance_number, sop_instance_uid) FILTER (WHERE sequence_variant IS NOT NULL) AS SequenceVariant,
  first_value(mr_acquisition_type ORDER BY instance_number, sop_instance_uid) FILTER (WHERE mr_acquisition_type IS NOT NULL) AS MRAcquisitionType,
  array_agg(DISTINCT echo_time::float8 ORDER BY echo_time::float8) FILTER (WHERE echo_time IS NOT NULL) AS EchoTime,
  first_value(repetition_time ORDER BY instance_number, sop_instance_uid) FILTER (WHERE repetition_time IS NOT NULL) AS RepetitionTime,
  first_value(echo_train_length ORDER BY instance_number, sop_instance_uid) FILTER (WHERE echo_train_length IS NOT NULL) AS EchoTrainLength,
  first_value(flip_angle ORDER BY instance_number, sop_instance_uid) FILTER (WHERE flip_angle IS NOT NULL) AS FlipAngle,
  first_value(pixel_bandwidth ORDER BY instance_number, sop_instance_uid) FILTER (WHERE pixel_bandwidth IS NOT NULL) AS PixelBandwidth,
  first_value(imaging_frequency ORDER BY instance_number, sop_instance_uid) FILTER (WHERE imaging_frequency IS NOT NULL) AS ImagingFrequency,
  first_value(imaged_nucleus ORDER BY instance_number, sop_instance_uid) FILTER (WHERE imaged_nucleus IS NOT NULL) AS ImagedNucleus,
  first_value(pixel_spacing[1] ORDER BY instance_number, sop_instance_uid) FILTER (WHERE pixel_spacing[1] IS NOT NULL) AS PixelSpacing_row_mm,
  first_value(pixel_spacing[2] ORDER BY instance_number, sop_instance_uid) FILTER (WHERE pixel_spacing[2] IS NOT NULL) AS PixelSpacing_col_mm,
  first_value(rows ORDER BY instance_number, sop_instance_uid) FILTER (WHERE rows IS NOT NULL) AS Rows,
  first_value(columns ORDER BY instance_number, sop_instance_uid) FILTER (WHERE columns IS NOT NULL) AS Columns,
  first_value(slice_thickness ORDER BY instance_number, sop_instance_uid) FILTER (WHERE slice_thickness IS NOT NULL) AS SliceThickness,
  first_value(inversion_time ORDER BY instance_number, sop_instance_uid) FILTER (WHERE inversion_time IS NOT NULL) AS InversionTime,
  first_value(receive_coil_name ORDER BY instance_number, sop_instance_uid) FILTER (WHERE receive_coil_name IS NOT NULL) AS ReceiveCoilName,
  first_value(sequence_name ORDER BY instance_number, sop_instance_uid) FILTER (WHERE sequence_name IS NOT NULL) AS SequenceName,
  array_agg(DISTINCT diffusion_b_value::float8 ORDER BY diffusion_b_value::float8) FILTER (WHERE diffusion_b_value IS NOT NULL) AS DiffusionBValue,
  first_value(number_of_temporal_positions ORDER BY instance_number, sop_instance_uid) FILTER (WHERE number_of_temporal_positions IS NOT NULL) AS NumberOfTemporalPositions
FROM imaging.instances
WHERE sop_class_uid = '1.2.840.10008.5.1.4.1.1.4'
GROUP BY series_instance_uid
