-- view: The digital phantom of IBSI, computed by this binary: each published value beside ours
-- feature: Tag of the feature in the IBSI reference manual
-- aggregation: Aggregation of texture features
-- value: What this binary computes
-- reference: The consensus value
-- tolerance: Its published tolerance; 0: three significant digits are compared
-- ok: Whether both agree
SELECT feature, aggregation, value, reference, tolerance, ok FROM radlake_radiomics_check()
