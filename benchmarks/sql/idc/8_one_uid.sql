-- One series by its UID.
SELECT * FROM idc_index WHERE SeriesInstanceUID = '{uid}'
