//! "Perhaps you meant …", as PostgreSQL says it.

use datafusion::common::Column;

/// The hint for a column that is not there.
pub(super) fn column(missing: &Column, valid: &[Column]) -> Option<String> {
    let close = valid
        .iter()
        .filter(|known| {
            missing.relation.is_none() || known.relation.is_none() || missing.relation == known.relation
        })
        .map(|known| (distance(&missing.name, &known.name), known))
        .filter(|(distance, known)| *distance <= (known.name.chars().count() / 3).max(1))
        .min_by_key(|(distance, _)| *distance);
    close.map(|(_, known)| {
        let name = match &known.relation {
            Some(relation) => format!("{}.{}", relation.table(), known.name),
            None => known.name.clone(),
        };
        format!("Perhaps you meant to reference the column \"{name}\".")
    })
}

/// The nearest of `names` to one that is not there.
pub(crate) fn nearest<'a>(missing: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    names
        .map(|name| (distance(missing, name), name))
        .filter(|(distance, name)| *distance <= (name.chars().count() / 3).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// Levenshtein's distance, case aside; names longer than 128 characters are not compared.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (
        a.to_lowercase().chars().collect(),
        b.to_lowercase().chars().collect(),
    );
    if a.len().max(b.len()) > 128 {
        return usize::MAX;
    }
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.iter().enumerate() {
        let mut diagonal = i;
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
        for (j, to) in b.iter().enumerate() {
            let above = row[j + 1];
            row[j + 1] = (above + 1)
                .min(row[j] + 1)
                .min(diagonal + usize::from(from != to));
            diagonal = above;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_suggested_and_far_ones_are_not() {
        assert_eq!(distance("modalty", "modality"), 1);
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(
            nearest("modalty", ["manufacturer", "modality"].into_iter()),
            Some("modality")
        );
        assert_eq!(nearest("zzz", ["manufacturer", "modality"].into_iter()), None);
    }
}
