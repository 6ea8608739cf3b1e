//! Which features: the section `featureClass`.

use crate::dictionary::{self, Entry};
use crate::error::Result;
use crate::reader::{Section, refuse};
use crate::settings::Profile;
use crate::yaml::Node;

/// Names that PyRadiomics accepts and gives no value for, and the feature that says the same.
const WITHDRAWN: [(&str, &str, &str); 6] = [
    (
        "glcm",
        "Dissimilarity",
        "list DifferenceAverage, which is the same",
    ),
    ("glcm", "Homogeneity1", "list Id, which is the same"),
    ("glcm", "Homogeneity2", "list Idm, which is the same"),
    ("glcm", "SumVariance", "list ClusterTendency, which is the same"),
    (
        "gldm",
        "GrayLevelNonUniformityNormalized",
        "list Uniformity of firstorder, which is the same",
    ),
    (
        "gldm",
        "DependencePercentage",
        "it is 1 for every region: leave it out",
    ),
];

/// The features of a class that are computed where none is named.
fn usual(profile: Profile, class: &str) -> impl Iterator<Item = &'static Entry> {
    dictionary::of(profile).filter(move |e| e.class == class && !e.named_only())
}

/// The classes of a profile, in order.
pub(super) fn classes(profile: Profile) -> Vec<&'static str> {
    let mut classes: Vec<&str> = dictionary::of(profile).map(|e| e.class).collect();
    classes.dedup();
    classes
}

/// Every feature that needs not be named, of the classes that `fit`.
pub(super) fn everything(profile: Profile, fit: impl Fn(&str) -> bool) -> Vec<&'static Entry> {
    dictionary::of(profile)
        .filter(|e| !e.named_only() && fit(e.class))
        .collect()
}

/// Reads the section; `None` where it is empty.
pub(super) fn read(profile: Profile, mut section: Section<'_>) -> Result<Option<Vec<&'static Entry>>> {
    let mut chosen: Vec<&'static Entry> = Vec::new();
    let classes = classes(profile);
    let mut any = false;
    for class in &classes {
        let Some(node) = section.take(class) else {
            continue;
        };
        any = true;
        match node {
            Node::Null => chosen.extend(usual(profile, class)),
            Node::List(items) if items.is_empty() => chosen.extend(usual(profile, class)),
            Node::List(items) => {
                for item in items {
                    chosen.push(named(profile, class, &section.path(class), item)?);
                }
            }
            other => {
                let hint = "must be a list of names, or nothing for all of the class";
                return Err(refuse(&section.path(class), other, hint));
            }
        }
    }
    section.finish(&classes, |_| None)?;
    // In the order of the dictionary, each once.
    let ordered = dictionary::of(profile).filter(|e| chosen.iter().any(|c| c.name == e.name));
    Ok(any.then(|| ordered.collect()))
}

fn named(profile: Profile, class: &str, path: &str, item: &Node) -> Result<&'static Entry> {
    let text = match item {
        Node::Scalar { text, .. } => text.as_str(),
        other => return Err(refuse(path, other, "must be a list of names")),
    };
    let found = dictionary::of(profile).find(|e| e.class == class && e.feature == text);
    found.ok_or_else(|| {
        let withdrawn = WITHDRAWN.iter().find(|(c, name, _)| *c == class && *name == text);
        let hint = match withdrawn {
            Some((.., hint)) => format!("PyRadiomics gives no value for it: {hint}"),
            None => {
                let names: Vec<&str> = usual(profile, class).map(|e| e.feature).collect();
                format!("no feature of this class; they are {}", names.join(", "))
            }
        };
        refuse(path, item, &hint)
    })
}

/// One line per class: `all`, or the names.
pub(super) fn canonical(features: &[&'static Entry], profile: Profile) -> Vec<(String, String)> {
    let of_class = |class: &str| -> Vec<&str> {
        let chosen = features.iter().filter(|e| e.class == class);
        chosen.map(|e| e.feature).collect()
    };
    let line = |class: &'static str| {
        let chosen = of_class(class);
        let all = usual(profile, class)
            .map(|e| e.feature)
            .eq(chosen.iter().copied());
        let value = if all { "all".to_owned() } else { chosen.join(",") };
        (!chosen.is_empty()).then(|| (format!("featureClass.{class}"), value))
    };
    classes(profile).into_iter().filter_map(line).collect()
}
