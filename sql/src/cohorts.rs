//! Cohort queries that the demo runs, and that show analysts what the tables are for.

/// A question and its query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cohort {
    /// File's name without its ending.
    pub name: &'static str,
    file: &'static str,
}

/// All of them.
pub const COHORTS: &[Cohort] = &[
    Cohort {
        name: "lung_ct_thin_contrast",
        file: include_str!("../cohorts/lung_ct_thin_contrast.sql"),
    },
    Cohort {
        name: "prostate_mr_t2_axial",
        file: include_str!("../cohorts/prostate_mr_t2_axial.sql"),
    },
    Cohort {
        name: "pet_ct_within_30_days",
        file: include_str!("../cohorts/pet_ct_within_30_days.sql"),
    },
    Cohort {
        name: "lung_tumour_over_2_ml",
        file: include_str!("../cohorts/lung_tumour_over_2_ml.sql"),
    },
    Cohort {
        name: "lung_tumour_heterogeneous",
        file: include_str!("../cohorts/lung_tumour_heterogeneous.sql"),
    },
];

/// Queries whose results are pictures, to be looked at as pages.
pub const PAGES: &[Cohort] = &[Cohort {
    name: "segmented_tumours",
    file: include_str!("../pages/segmented_tumours.sql"),
}];

impl Cohort {
    /// The question in words: the file's first comment.
    #[must_use]
    pub fn question(&self) -> &'static str {
        self.file
            .lines()
            .next()
            .and_then(|line| line.strip_prefix("-- "))
            .unwrap_or(self.name)
    }

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
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Kind, parse};

    #[test]
    fn every_cohort_is_one_query_with_a_question() {
        for cohort in COHORTS.iter().chain(PAGES) {
            let statements = parse(cohort.sql()).unwrap_or_else(|error| panic!("{}: {error}", cohort.name));
            assert_eq!(statements.len(), 1, "{}", cohort.name);
            assert_eq!(statements[0].kind(), Kind::Query, "{}", cohort.name);
            assert!(
                cohort.question().ends_with('.') || cohort.question().ends_with('?'),
                "{}",
                cohort.name
            );
        }
    }
}
