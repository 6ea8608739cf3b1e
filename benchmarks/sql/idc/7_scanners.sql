-- The commonest scanners.
SELECT Manufacturer, ManufacturerModelName, count(*) AS series
FROM idc_index GROUP BY Manufacturer, ManufacturerModelName
ORDER BY series DESC, Manufacturer, ManufacturerModelName LIMIT 20
