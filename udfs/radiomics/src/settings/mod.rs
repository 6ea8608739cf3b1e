//! Settings of an extraction: read from PyRadiomics' parameter files, JSON or pairs, and identified by a hash.

mod canonical;
mod ibsi;
mod images;
mod pyradiomics;
mod select;

pub use self::ibsi::Ibsi;
pub use self::images::Image;
pub use self::pyradiomics::PyRadiomics;

use crate::error::Result;
use crate::reader::{Section, choice};
use crate::yaml::{self, Node};

/// Version of the numbers that the kernels give for the same settings; part of every hash. Raise it when a result changes.
pub const RESULTS_VERSION: u32 = 1;

/// Whose definitions and names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Profile {
    /// The IBSI reference manual.
    Ibsi,
    /// PyRadiomics 3.0.1.
    PyRadiomics,
}

impl Profile {
    /// The name that settings, tables and hashes use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ibsi => "ibsi",
            Self::PyRadiomics => "pyradiomics",
        }
    }
}

/// Everything that decides which numbers an extraction gives.
#[derive(Debug, Clone, PartialEq)]
pub enum Settings {
    /// Profile `pyradiomics`.
    PyRadiomics(PyRadiomics),
    /// Profile `ibsi`.
    Ibsi(Ibsi),
}

impl Default for Settings {
    fn default() -> Self {
        Self::of(Profile::PyRadiomics)
    }
}

impl Settings {
    /// The defaults of a profile.
    pub fn of(profile: Profile) -> Self {
        match profile {
            Profile::PyRadiomics => Self::PyRadiomics(PyRadiomics::default()),
            Profile::Ibsi => Self::Ibsi(Ibsi::default()),
        }
    }

    /// Reads YAML or JSON: a parameter file of PyRadiomics (sections `setting`, `imageType`, `featureClass`), or the same
    /// keys without the section `setting`; `profile: ibsi` or `pyradiomics` (the default) at the top.
    ///
    /// Keys that are not known, values that are wrong, and settings of PyRadiomics that cannot be honoured are refused by
    /// name, with what to do. The text may have 64 KiB.
    pub fn from_text(text: &str) -> Result<Self> {
        Self::from_node(&yaml::read(text)?)
    }

    /// Reads pairs of a key and the YAML (or JSON) text of its value: `("binWidth", "25")`,
    /// `("imageType", "{LoG: {sigma: [1, 3]}}")`.
    pub fn from_pairs<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self> {
        let mut entries = Vec::new();
        let mut length = 0;
        for (key, value) in pairs {
            length += key.len() + value.len();
            yaml::bounded(length)?;
            entries.push((key.to_owned(), yaml::read(value)?));
        }
        Self::from_node(&Node::Map(entries))
    }

    fn from_node(root: &Node) -> Result<Self> {
        let mut top = Section::new("", root)?;
        let mut profile = Profile::PyRadiomics;
        let both = [Profile::Ibsi, Profile::PyRadiomics].map(|p| (p.name(), p));
        top.set(
            "profile",
            &mut profile,
            Profile::PyRadiomics,
            choice(both.to_vec()),
        )?;
        let nothing = &Node::Null;
        let images = Section::new("imageType", top.take("imageType").unwrap_or(nothing))?;
        let classes = Section::new("featureClass", top.take("featureClass").unwrap_or(nothing))?;
        let voxels = Section::new("voxelSetting", top.take("voxelSetting").unwrap_or(nothing))?;
        voxels.finish(&[], |_| {
            let hint = "maps of features per voxel are not computed: remove the section voxelSetting";
            Some(hint.to_owned())
        })?;
        let mut values = Section::new("setting", top.take("setting").unwrap_or(nothing))?;
        let flat: Vec<(String, Node)> = top.rest().map(|(k, v)| (k.to_owned(), v.clone())).collect();
        let flat = Node::Map(flat);
        values.join(Section::new("", &flat)?)?;
        match profile {
            Profile::PyRadiomics => Ok(Self::PyRadiomics(PyRadiomics::read(values, images, classes)?)),
            Profile::Ibsi => Ok(Self::Ibsi(Ibsi::read(values, &images, classes)?)),
        }
    }

    /// Whose definitions and names.
    pub fn profile(&self) -> Profile {
        match self {
            Self::PyRadiomics(_) => Profile::PyRadiomics,
            Self::Ibsi(_) => Profile::Ibsi,
        }
    }

    /// The value of `label` (1 if it is not set): which voxels of a label volume are the region. The caller makes the mask
    /// with it; it is no part of the hash.
    pub fn label(&self) -> u32 {
        match self {
            Self::PyRadiomics(s) => s.label,
            Self::Ibsi(s) => s.label,
        }
    }

    /// The settings as text: one line per setting, sorted, defaults written out, what has no effect left out. Settings
    /// that mean the same have the same text.
    pub fn canonical(&self) -> String {
        let mut lines = match self {
            Self::PyRadiomics(s) => canonical::pyradiomics(s),
            Self::Ibsi(s) => canonical::ibsi(s),
        };
        lines.push(("profile".to_owned(), self.profile().name().to_owned()));
        lines.sort();
        lines
            .iter()
            .map(|(key, value)| format!("{key}={value}\n"))
            .collect()
    }

    /// Sixteen hexadecimal digits that identify what is computed: of [`Settings::canonical`] and [`RESULTS_VERSION`].
    pub fn settings_hash(&self) -> String {
        canonical::hash(&self.canonical(), RESULTS_VERSION)
    }
}
