//! The digital phantom of IBSI, inside the binary.

pub use radlake_kernels::ibsi::phantom::Check;

use crate::error::Result;

/// Computes every published value of the digital phantom with the kernels of this binary (482 of 169 features, texture
/// having one per aggregation; five more features of the table are published without a value), and says of each whether it agrees: within the published tolerance, or to three significant
/// digits where none is published.
pub fn phantom_check() -> Result<Vec<Check>> {
    Ok(radlake_kernels::ibsi::phantom::check()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dictionary::{self, Profile};

    #[test]
    fn every_feature_of_the_profile_is_checked_and_right() {
        let checks = phantom_check().unwrap();
        assert_eq!(checks.len(), 482);
        assert!(checks.iter().all(|c| c.ok));
        let mut checked: Vec<&str> = checks.iter().map(|c| c.feature).collect();
        checked.sort_unstable();
        checked.dedup();
        let mut known: Vec<&str> = dictionary::of(Profile::Ibsi).map(|e| e.name).collect();
        known.sort_unstable();
        // One feature of the profile has no value in the phantom's table.
        known.retain(|name| *name != "ivh_auc");
        assert_eq!(checked, known);
    }
}
