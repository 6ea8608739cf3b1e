//! PyRadiomics' own stored values (`data/baseline` of its repository), its settings read as they are stored there.
#![expect(clippy::unwrap_used, reason = "tests")]
#![expect(
    clippy::disallowed_methods,
    reason = "golden values are files; the functions under test read none"
)]

use std::collections::{HashMap, HashSet};

use radlake_radiomics::{Settings, extract};

use crate::support;

/// Cells of a line of CSV with quotes.
fn cells(line: &str) -> Vec<String> {
    let (mut out, mut quoted) = (vec![String::new()], false);
    for c in line.chars() {
        match c {
            '"' => quoted = !quoted,
            ',' if !quoted => out.push(String::new()),
            c => out.last_mut().unwrap().push(c),
        }
    }
    out
}

/// A Python dictionary as a parameter file.
fn settings(text: &str) -> Settings {
    let json = text.replace("None", "null").replace('\'', "\"");
    let json = json.replace("True", "true").replace("False", "false");
    Settings::from_text(&format!("setting: {json}\n")).unwrap()
}

#[test]
fn stored_baselines() {
    let (mut compared, mut missed, mut configurations) = (0, Vec::new(), HashSet::new());
    for case in ["brain1", "breast1", "lung1"] {
        let (Some(image), Some(labels)) = (
            support::reference(&format!("pyradiomics/{case}_image.nrrd")),
            support::reference(&format!("pyradiomics/{case}_label.nrrd")),
        ) else {
            return;
        };
        let (image, mask) = (support::nrrd(&image), support::mask(&support::nrrd(&labels)));
        let mut done: HashMap<String, HashMap<String, f64>> = HashMap::new();
        for class in ["firstorder", "glcm", "gldm", "glrlm", "glszm", "ngtdm", "shape"] {
            let Some(table) = support::reference(&format!("pyradiomics/baseline/baseline_{class}.csv"))
            else {
                return;
            };
            let text = std::fs::read_to_string(table).unwrap();
            let rows: Vec<Vec<String>> = text.lines().map(cells).collect();
            let configured = rows
                .iter()
                .find(|r| r[0] == "diagnostics_Configuration_Settings")
                .unwrap();
            for (column, name) in rows[0].iter().enumerate().skip(1) {
                if name.split('_').next() != Some(case) {
                    continue;
                }
                configurations.insert(name.split_once('_').map_or("default", |n| n.1).to_owned());
                let text = &configured[column];
                let found = done.entry(text.clone()).or_insert_with(|| {
                    let settings = settings(text);
                    let values = extract(&image, &mask, &settings, &|| false).unwrap();
                    let values = values.into_iter().map(|v| v.unwrap_or(f64::NAN));
                    settings.names().into_iter().zip(values).collect()
                });
                for row in rows.iter().filter(|r| r[0].starts_with("original_")) {
                    let Ok(wanted) = row[column].parse::<f64>() else {
                        continue;
                    };
                    let Some(got) = found.get(&row[0].to_lowercase()) else {
                        // Two features that PyRadiomics has since withdrawn stand in old tables.
                        println!("{name} {}: not computed", row[0]);
                        continue;
                    };
                    compared += 1;
                    let apart = (got - wanted).abs();
                    if !(apart <= 1e-9 * wanted.abs() || apart < 1e-11) {
                        println!("{name} {}: got {got}, stored {wanted}", row[0]);
                        missed.push(format!("{case} {}", row[0]));
                    }
                }
            }
        }
    }
    println!("{compared} compared, {} missed, {configurations:?}", missed.len());
    // PyRadiomics 3.0.1 itself no longer gives these four: the stored column is of an older mesh.
    let known = ["Sphericity", "SurfaceVolumeRatio", "MeshVolume", "SurfaceArea"]
        .map(|name| format!("brain1 original_shape_{name}"));
    assert_eq!((compared, missed), (1995, known.to_vec()));
    assert_eq!(configurations.len(), 8);
}
