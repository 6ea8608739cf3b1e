//! The views that every lake begins with. They keep their text and are planned by whoever reads them.

/// A view, as `sql/views/<schema>.<name>.sql` declares it.
///
/// The file is the query. Comments in its head of the form `-- name: text` are the comments of the view (`-- view:`)
/// and of its columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct View {
    /// Schema.
    pub schema: &'static str,
    /// Name within the schema.
    pub name: &'static str,
    file: &'static str,
}

/// All of them; they read tables and functions, and no view.
pub const VIEWS: &[View] = &[
    View {
        schema: "imaging",
        name: "studies",
        file: include_str!("../views/imaging.studies.sql"),
    },
    View {
        schema: "imaging",
        name: "patients",
        file: include_str!("../views/imaging.patients.sql"),
    },
    View {
        schema: "imaging",
        name: "regions",
        file: include_str!("../views/imaging.regions.sql"),
    },
    View {
        schema: "imaging",
        name: "volumes",
        file: include_str!("../views/imaging.volumes.sql"),
    },
    View {
        schema: "radiomics",
        name: "dictionary",
        file: include_str!("../views/radiomics.dictionary.sql"),
    },
    View {
        schema: "system",
        name: "epochs",
        file: include_str!("../views/system.epochs.sql"),
    },
    View {
        schema: "system",
        name: "functions",
        file: include_str!("../views/system.functions.sql"),
    },
    View {
        schema: "system",
        name: "radiomics_check",
        file: include_str!("../views/system.radiomics_check.sql"),
    },
    View {
        schema: "idc",
        name: "index",
        file: include_str!("../views/idc.index.sql"),
    },
    View {
        schema: "idc",
        name: "ct_index",
        file: include_str!("../views/idc.ct_index.sql"),
    },
    View {
        schema: "idc",
        name: "mr_index",
        file: include_str!("../views/idc.mr_index.sql"),
    },
    View {
        schema: "idc",
        name: "pt_index",
        file: include_str!("../views/idc.pt_index.sql"),
    },
    View {
        schema: "idc",
        name: "contrast_index",
        file: include_str!("../views/idc.contrast_index.sql"),
    },
    View {
        schema: "idc",
        name: "volume_geometry_index",
        file: include_str!("../views/idc.volume_geometry_index.sql"),
    },
    View {
        schema: "idc",
        name: "seg_index",
        file: include_str!("../views/idc.seg_index.sql"),
    },
    View {
        schema: "idc",
        name: "rtstruct_index",
        file: include_str!("../views/idc.rtstruct_index.sql"),
    },
    View {
        schema: "idc",
        name: "segmentations",
        file: include_str!("../views/idc.segmentations.sql"),
    },
    View {
        schema: "idc",
        name: "measurement_groups",
        file: include_str!("../views/idc.measurement_groups.sql"),
    },
    View {
        schema: "idc",
        name: "quantitative_measurements",
        file: include_str!("../views/idc.quantitative_measurements.sql"),
    },
    View {
        schema: "idc",
        name: "qualitative_measurements",
        file: include_str!("../views/idc.qualitative_measurements.sql"),
    },
    View {
        schema: "idc",
        name: "dicom_all",
        file: include_str!("../views/idc.dicom_all.sql"),
    },
    View {
        schema: "eucaim",
        name: "dataset",
        file: include_str!("../views/eucaim.dataset.sql"),
    },
    View {
        schema: "eucaim",
        name: "cancerpatient",
        file: include_str!("../views/eucaim.cancerpatient.sql"),
    },
    View {
        schema: "eucaim",
        name: "imagingprocedure",
        file: include_str!("../views/eucaim.imagingprocedure.sql"),
    },
    View {
        schema: "eucaim",
        name: "imagestudy",
        file: include_str!("../views/eucaim.imagestudy.sql"),
    },
    View {
        schema: "eucaim",
        name: "imageseries",
        file: include_str!("../views/eucaim.imageseries.sql"),
    },
    View {
        schema: "eucaim",
        name: "patient",
        file: include_str!("../views/eucaim.patient.sql"),
    },
    View {
        schema: "eucaim",
        name: "image_study",
        file: include_str!("../views/eucaim.image_study.sql"),
    },
    View {
        schema: "eucaim",
        name: "image_series",
        file: include_str!("../views/eucaim.image_series.sql"),
    },
];

impl View {
    /// The query.
    #[must_use]
    pub fn sql(&self) -> &'static str {
        let head: usize = self
            .file
            .split_inclusive('\n')
            .take_while(|line| line.starts_with("--"))
            .map(str::len)
            .sum();
        self.file
            .get(head..)
            .unwrap_or_default()
            .trim()
            .trim_end_matches(';')
    }

    /// The view's comment.
    #[must_use]
    pub fn comment(&self) -> Option<&'static str> {
        self.comments()
            .find(|(name, _)| *name == "view")
            .map(|(_, text)| text)
    }

    /// Comments by the name of their column.
    pub fn columns(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        self.comments().filter(|(name, _)| *name != "view")
    }

    fn comments(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        self.file
            .lines()
            .map_while(|line| line.strip_prefix("-- "))
            .filter_map(|line| line.split_once(": "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Kind, parse};

    #[test]
    fn every_view_is_one_query_with_comments() {
        for view in VIEWS {
            let statements = parse(view.sql()).unwrap_or_else(|error| panic!("{}: {error}", view.name));
            assert_eq!(statements.len(), 1, "{}", view.name);
            assert_eq!(statements[0].kind(), Kind::Query, "{}", view.name);
            assert!(view.comment().is_some(), "{}", view.name);
            // Those that show a table's columns beside their own name their own alone.
            let least = if view.sql().starts_with("SELECT * ") { 1 } else { 3 };
            assert!(view.columns().count() > least, "{}", view.name);
        }
    }
}
