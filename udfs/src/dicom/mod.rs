//! Functions over values, tags and UIDs as DICOM writes them.

pub mod dicom_age_years;
pub mod dicom_keyword;
pub mod dicom_person_name;
pub mod dicom_tag;
pub mod dicom_uid_name;
mod json;
pub mod path;
mod tag;

use std::sync::Arc;

use datafusion::logical_expr::ScalarUDF;

/// The functions of this family.
pub fn all() -> Vec<Arc<ScalarUDF>> {
    vec![
        Arc::new(ScalarUDF::from(dicom_age_years::DicomAgeYears::default())),
        Arc::new(ScalarUDF::from(dicom_keyword::DicomKeyword::default())),
        Arc::new(ScalarUDF::from(dicom_person_name::DicomPersonName::default())),
        Arc::new(ScalarUDF::from(dicom_tag::DicomTag::default())),
        Arc::new(ScalarUDF::from(dicom_uid_name::DicomUidName::default())),
    ]
}
