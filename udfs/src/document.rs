//! The form in which every function documents itself.

use datafusion::logical_expr::{DocSection, Documentation};

/// A family of functions, shown by `system.functions` as the section of a function's documentation.
#[derive(Clone, Copy)]
pub(crate) enum Family {
    DateTime,
    Dicom,
    Image,
    Json,
    Privacy,
    Radiomics,
    Text,
    Vector,
}

impl Family {
    fn section(self) -> DocSection {
        let (label, description) = match self {
            Family::DateTime => (
                "Date and Time Functions",
                "Dates, times and intervals, as in PostgreSQL.",
            ),
            Family::Dicom => ("DICOM Functions", "Values, tags and UIDs as DICOM writes them."),
            Family::Image => (
                "Image Functions",
                "Geometry of images in the patient, what their regions measure, pictures of them.",
            ),
            Family::Json => (
                "JSON Functions",
                "Documents of the types json and jsonb, as in PostgreSQL.",
            ),
            Family::Privacy => (
                "Privacy Functions",
                "Values shown otherwise than they are, for masks and for data that is given away.",
            ),
            Family::Radiomics => (
                "Radiomics Functions",
                "Features of regions, as PyRadiomics 3.0.1 and the IBSI reference manual define them.",
            ),
            Family::Text => ("Text Functions", "Patterns of SQL and POSIX, as in PostgreSQL."),
            Family::Vector => ("Vector Functions", "Vectors and their distances, as in pgvector."),
        };
        DocSection {
            include: true,
            label,
            description: Some(description),
        }
    }
}

/// Documentation of one function: `syntax` is a call, `arguments` pairs of name and meaning, `example` a statement with its
/// answer.
pub(crate) fn document(
    family: Family,
    syntax: &str,
    description: &str,
    arguments: &[(&str, &str)],
    example: &str,
) -> Documentation {
    let builder = Documentation::builder(family.section(), description, syntax).with_sql_example(example);
    arguments
        .iter()
        .fold(builder, |builder, (name, meaning)| {
            builder.with_argument(*name, *meaning)
        })
        .build()
}
