//! Settings of PostgreSQL that clients read and that a lake answers with a constant, because what they tune is not there.

/// Name, value, and whether a client may "set" it (to no effect).
pub(crate) struct Preset {
    pub(crate) name: &'static str,
    pub(crate) value: &'static str,
    pub(crate) settable: bool,
}

const fn fixed(name: &'static str, value: &'static str) -> Preset {
    Preset {
        name,
        value,
        settable: false,
    }
}

const fn ignored(name: &'static str, value: &'static str) -> Preset {
    Preset {
        name,
        value,
        settable: true,
    }
}

const PRESETS: &[Preset] = &[
    fixed("block_size", "8192"),
    ignored("default_table_access_method", "heap"),
    ignored("default_tablespace", ""),
    fixed("integer_datetimes", "on"),
    ignored("jit", "off"),
    fixed("lc_collate", "C.UTF-8"),
    fixed("lc_ctype", "C.UTF-8"),
    fixed("max_function_args", "100"),
    fixed("max_identifier_length", "63"),
    fixed("max_index_keys", "32"),
    fixed("server_encoding", "UTF8"),
    fixed("server_version_num", "150000"),
    ignored("synchronous_commit", "on"),
    ignored("timezone_abbreviations", "Default"),
    ignored("xmlbinary", "base64"),
    ignored("xmloption", "content"),
];

/// A preset by name, in any case.
pub(crate) fn preset(name: &str) -> Option<&'static Preset> {
    PRESETS.iter().find(|p| p.name.eq_ignore_ascii_case(name))
}

/// All presets.
pub(crate) fn all() -> &'static [Preset] {
    PRESETS
}
