//! The kernels against published numbers and hostile input, in one binary, so that each link and each start is paid once.

mod dicom;
mod hostile;
mod ibsi_ct;
mod ibsi_phantom;
mod pyradiomics_baseline;
mod pyradiomics_golden;
mod segmentation;
mod selection;
mod support;
